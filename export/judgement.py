"""How near an artifact's answers are to Keras', on texts it was not fitted to.

TensorFlow only. Formats that take the user's texts are measured when they are made, because
their quality depends on model and texts: one that fell apart must not look like a success.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert_zoo.data.examples import Examples

from .encoding import encoded
from .fidelity import Fidelity
from .scoring import agreement, embeddings_of, problem_of, unit_vectors
from .verification.comparison import expected_of_ids, joined_logits

if TYPE_CHECKING:
    from .artifact import Artifact

Outputs = Sequence[Mapping[str, np.ndarray]]


def fidelity_of(bundle: Any, artifact: Artifact, examples: Examples) -> Fidelity:
    """Runs texts through Keras and an artifact, in this process.

    Args:
        bundle: what the artifact was made from.
        artifact: its files are all written but the manifest.
        examples: the texts.
    """
    from .runner import Runner
    from .tracing import traced_runner

    lengths = artifact.options["lengths"]
    inputs = encoded(bundle, examples, lengths and max(lengths))
    keras, run = [*map(traced_runner(bundle.model), inputs)], Runner(artifact)
    expected = expected_of_ids(bundle.config, artifact, inputs, keras)
    measure = _measure_of(bundle.config)
    value = _MEASURES[measure](bundle.config, inputs, [run(row) for row in inputs], expected)
    return Fidelity(measure, value, len(inputs))


def _measure_of(config: Any) -> str:
    problem = problem_of(config)
    return "cosine" if problem is None else "agreement" if problem.decide else "pearson"


def _agreement(config: Any, inputs: Outputs, ours: Outputs, keras: Outputs) -> float:
    problem = problem_of(config)
    assert problem is not None and problem.decide is not None
    return agreement(*(problem.decide(joined_logits(config, each)) for each in (ours, keras)))


def _pearson(config: Any, inputs: Outputs, ours: Outputs, keras: Outputs) -> float:
    columns = zip(*(joined_logits(config, each).T for each in (ours, keras)), strict=True)
    # A column that does not move correlates with nothing.
    return min(float(np.nan_to_num(np.corrcoef(*pair)[0, 1])) for pair in columns)


def _cosine(config: Any, inputs: Outputs, ours: Outputs, keras: Outputs) -> float:
    vectors = [unit_vectors(embeddings_of(inputs, each)) for each in (ours, keras)]
    return float(np.sum(vectors[0] * vectors[1], axis=1).mean())


_MEASURES: Mapping[str, Callable[..., float]] = {
    "agreement": _agreement,
    "pearson": _pearson,
    "cosine": _cosine,
}
