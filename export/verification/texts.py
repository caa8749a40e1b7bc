"""Texts with one answer each: classes, or an embedding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.examples import Examples

from .. import scoring
from ..errors import ExportError
from ..runner import widened
from ..scoring import embeddings_of, problem_of, unit_vectors
from .comparison import expected_of_ids, expected_of_text, joined_logits, wrong_labels
from .metrics import scores_of, scores_of_similarities

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle

    from ..artifact import Artifact
    from .reference import Case

Arrays = Mapping[str, np.ndarray]
# The ids of a case, in the process that has the bundle.
Encode = Callable[["Case"], dict[str, np.ndarray]]


class Texts:
    """Real texts or pairs for a classifier, an encoder or an embedder.

    Args:
        examples: the texts; with labels the metric is computed too.
        config: of the bundle.

    Raises:
        ExportError: there are labels, and the model has none.
    """

    def __init__(self, examples: Examples, config: EncoderConfig) -> None:
        self.examples, self.config = examples, config
        self.count = len(examples)
        if examples.labels is not None and self.problem is None:
            raise ExportError(
                "Labels were given, but the bundle is an encoder without them. Only pairs may have "
                "labels then, numbers that say how similar their texts are."
            )

    @property
    def problem(self) -> scoring.Problem | None:
        """How decisions are made of logits; not an attribute, for functions do not travel."""
        return problem_of(self.config)

    @property
    def metric(self) -> str | None:
        """The name of what ``scores`` finds."""
        return self.problem.metric if self.problem and self.examples.labels is not None else None

    def encoder(self, bundle: Bundle) -> Encode:
        """Tokenizes cases, in the process that has the bundle."""
        from ..encoding import longest_text

        tokenizer: Any = bundle.tokenizer
        texts, pairs, limit = self.examples.texts, self.examples.text_pairs, longest_text(bundle)

        def encode(case: Case) -> dict[str, np.ndarray]:
            lengths = sorted(min(length, limit) for length in case.lengths or (limit,))
            encoded = tokenizer(
                [texts[row] for row in case.rows],
                pairs and [pairs[row] for row in case.rows],
                truncation=True,
                max_length=lengths[-1],
                padding=True,
            )
            arrays = {name: tensor.numpy() for name, tensor in encoded.items()}
            return widened(arrays, lengths if case.lengths else (), tokenizer.pad_token_id)

        return encode

    def expected_of_ids(
        self, artifact: Artifact, inputs: Sequence[Arrays], keras: Sequence[Arrays]
    ) -> list[Arrays]:
        """What the integer signature should return."""
        return expected_of_ids(self.config, artifact, inputs, keras)

    def strings(self) -> dict[str, list[str]]:
        """The same texts for a signature that takes strings."""
        given = {"text": list(self.examples.texts)}
        if self.examples.text_pairs is not None:
            given["text_pair"] = list(self.examples.text_pairs)
        return given

    def expected_of_text(
        self, inputs: Sequence[Arrays], keras: Sequence[Arrays]
    ) -> dict[str, np.ndarray]:
        """The numbers that such a signature should return."""
        return expected_of_text(self.config, inputs, keras)

    def wrong_strings(self, outputs: Arrays, keras: Sequence[Arrays]) -> list[str]:
        """What is wrong with the strings that it returned."""
        return wrong_labels(self.config, outputs)

    def agreement(self, ours: Sequence[Arrays], keras: Sequence[Arrays]) -> float | None:
        """Share of texts with the same decision."""
        if self.problem is None or self.problem.decide is None:
            return None
        decide = self.problem.decide
        return scoring.agreement(*(decide(joined_logits(self.config, x)) for x in (ours, keras)))

    def cosine(
        self, inputs: Sequence[Arrays], ours: Sequence[Arrays], keras: Sequence[Arrays]
    ) -> float | None:
        """Mean cosine of embeddings."""
        if self.problem is not None:
            return None
        mine, theirs = (unit_vectors(embeddings_of(inputs, made)) for made in (ours, keras))
        return float((mine * theirs).sum(axis=-1).mean())

    def scores(
        self,
        inputs: Sequence[Arrays],
        ours: Sequence[Arrays],
        keras: Sequence[Arrays] | None = None,
    ) -> dict[str, Any]:
        """The fields of a report's row that need labels."""
        if self.metric is None:
            return {}
        logits = [joined_logits(self.config, made) for made in (ours, keras) if made is not None]
        return scores_of(self.config, np.asarray(self.examples.labels), *logits)._asdict()


class Similarities(Texts):
    """Pairs of texts for an encoder or an embedder, whose cosines are to follow their labels.

    Args:
        examples: the pairs, with a number each.
        config: of the bundle.
    """

    metric = "spearman"

    def __init__(self, examples: Examples, config: EncoderConfig) -> None:
        super().__init__(Examples([*examples.texts, *(examples.text_pairs or ())]), config)
        self.labels = np.asarray(examples.labels)

    @staticmethod
    def fit(examples: Examples, config: EncoderConfig) -> bool:
        """Whether examples are such pairs, and the model is such a one."""
        labelled = examples.text_pairs is not None and examples.labels is not None
        return labelled and problem_of(config) is None

    def scores(
        self,
        inputs: Sequence[Arrays],
        ours: Sequence[Arrays],
        keras: Sequence[Arrays] | None = None,
    ) -> dict[str, Any]:
        """Spearman's correlation, and what it lost."""
        made = [each for each in (ours, keras) if each is not None]
        return scores_of_similarities(*(self._pairs(inputs, each) for each in made))._asdict()

    def _pairs(self, inputs: Sequence[Arrays], made: Sequence[Arrays]) -> np.ndarray:
        """Cosine and label of each pair, ``(N, 2)``."""
        # Of a model that knows little all are near to 1: float32 would tell few of them apart.
        first, second = np.split(unit_vectors(embeddings_of(inputs, made).astype("float64")), 2)
        return np.stack([(first * second).sum(axis=-1), self.labels], axis=1)
