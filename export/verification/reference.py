"""What Keras says to the same texts: the measure of every artifact."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_bert_zoo.config import EncoderConfig

from ..errors import ExportError
from ..measurement import timed
from ..signature import BATCH, SEQUENCE, Signature
from .asked import Asked, Given, check_kind, read_asked
from .questions import Questions
from .texts import Similarities, Texts

if TYPE_CHECKING:
    from ..artifact import Artifact

# A second batch size and a second length, where a format leaves them open.
_BATCH, _LENGTH = 4, 64


class Case(NamedTuple):
    """One batch to run.

    Attributes:
        rows: which texts.
        lengths: rows are padded to the shortest that holds them, truncated to the longest;
            ``None`` pads to the longest row.
    """

    rows: tuple[int, ...]
    lengths: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True)
class Reference:
    """Inputs and outputs of Keras.

    Args:
        inputs: ids for each case.
        outputs: what the model returned for them.
        seconds: wall time of each case.
        runtime: package and version.
        subject: what was run, and how outputs are judged.
        config: of the bundle.
        size: bytes of the weights.
        weights: their digest.
        literals: tokens that the bundle's tokenizer finds in texts.
    """

    inputs: dict[Case, dict[str, np.ndarray]]
    outputs: dict[Case, dict[str, np.ndarray]]
    seconds: dict[Case, float]
    runtime: str
    subject: Texts | Questions
    config: EncoderConfig
    size: int
    weights: str
    literals: tuple[str, ...]


def single_texts(count: int, lengths: tuple[int, ...] | None = None) -> list[Case]:
    """Every text alone, at its own length or one of those given."""
    return [Case((row,), lengths) for row in range(count)]


def text_cases(artifact: Artifact, count: int) -> list[Case]:
    """What the strings of a verification become inside an artifact that takes them."""
    fixed = artifact.options.get("lengths") if not artifact.id_signatures else None
    return single_texts(count, fixed and (max(fixed),))


def cases_of(artifact: Artifact, count: int) -> list[Case]:
    """All cases that the verification of an artifact needs."""
    texts = text_cases(artifact, count)
    return [*all_cases(artifact.id_signatures, count), *texts] if artifact.id_signatures else texts


def all_cases(signatures: Sequence[Signature], count: int) -> list[Case]:
    """Every text alone, then a second batch size and length where they are open.

    Of a file with several lengths each is run.
    """
    fixed = tuple(size for s in signatures if (size := s.size(SEQUENCE)) is not None)
    lengths = [(size,) for size in fixed] if fixed else [None, (_LENGTH,)]
    batches = [(0,), tuple(range(min(_BATCH, count)))]
    allowed = [rows for rows in batches if signatures[0].size(BATCH) in (None, len(rows))]
    others = [Case(rows, length) for rows in allowed for length in lengths]
    return list(dict.fromkeys([*single_texts(count, fixed or None), *others]))


def run_reference(
    source: str,
    given: Given,
    artifacts: Sequence[Artifact],
    columns: Mapping[str, Any],
    threads: int,
) -> Reference:
    """Makes rows of the examples and runs all cases through the Keras model, in this process.

    Args:
        source: of ``load``.
        given: of ``read_asked``, as the next two.
        artifacts: those that are to be compared.
        columns: of what is given.
        threads: of TensorFlow.

    Raises:
        ExportError: the artifacts are of another kind of model, or there are no examples.
        ValueError: the bundle has no tokenizer, or ``read_asked`` refuses what is given.
    """
    import tensorflow as tf

    from ..digest import digest_of
    from ..graphs import load_exported
    from ..tracing import traced_runner

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    asked = read_asked(given, artifacts, columns)  # a wrong file is told before a model is loaded
    bundle = load_exported(source, artifacts[0].task)
    check_kind(bundle.model.task, artifacts)
    if bundle.tokenizer is None:
        raise ValueError(f"{source} has no tokenizer, so no text can be given to its model.")
    run = traced_runner(bundle.model)
    subject: Texts | Questions
    if isinstance(asked, Asked):
        asked.task.recall(bundle.config)  # what the bundle says of answers, not the artifact
        subject = Questions(asked, bundle, run)
    else:
        kind = Similarities if Similarities.fit(asked, bundle.config) else Texts
        subject = kind(asked, bundle.config)
    if not subject.count:
        raise ExportError("There are no texts to verify the artifacts with.")
    needed = [cases_of(artifact, subject.count) for artifact in artifacts]
    cases = list(dict.fromkeys(itertools.chain(single_texts(subject.count), *needed)))
    inputs = [*map(subject.encoder(bundle), cases)]
    outputs, seconds = timed(run, inputs)
    return Reference(
        dict(zip(cases, inputs, strict=True)),
        dict(zip(cases, outputs, strict=True)),
        dict(zip(cases, seconds, strict=True)),
        f"keras {importlib.metadata.version('keras')}",
        subject,
        bundle.config,
        sum(weight.value.numpy().nbytes for weight in bundle.model.weights),
        digest_of(bundle.model),
        bundle.tokenizer.options.literals,
    )
