"""What Keras says to the same texts: the measure of every artifact."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.examples import Examples

from ..errors import ExportError
from ..formats import WHOLE_TEXTS
from ..measurement import timed
from ..signature import BATCH, SEQUENCE, Signature
from .questions import Questions
from .texts import Texts

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle

    from ..artifact import Artifact

Asked = Examples | str | Sequence[Any]
Columns = Mapping[str, Any]

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
    """

    inputs: dict[Case, dict[str, np.ndarray]]
    outputs: dict[Case, dict[str, np.ndarray]]
    seconds: dict[Case, float]
    runtime: str
    subject: Texts | Questions
    config: EncoderConfig
    size: int
    weights: str


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
    source: str, examples: Asked, artifacts: Sequence[Artifact], columns: Columns, threads: int
) -> Reference:
    """Makes rows of the examples and runs all cases through the Keras model, in this process.

    Args:
        source: of ``load``.
        examples: see ``verify``.
        artifacts: those that are to be compared.
        columns: of ``Settings``, and ``limit``; for examples that a task reads.
        threads: of TensorFlow.

    Raises:
        ExportError: the artifacts are of another kind of model, or there are no examples.
        ValueError: the bundle has no tokenizer.
    """
    import tensorflow as tf

    from ..digest import digest_of
    from ..graphs import load_exported
    from ..tracing import trace

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    bundle = load_exported(source, artifacts[0].task if artifacts else None)
    _check_kind(bundle.model.task, artifacts)
    if bundle.tokenizer is None:
        raise ValueError(f"{source} has no tokenizer, so no text can be given to its model.")
    traced = trace(bundle.model, Signature.of(bundle.model))

    def run(batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in batch.items()}
        return {name: value.numpy() for name, value in traced(**tensors).items()}

    subject = _subject(bundle, examples, artifacts, columns, run)
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
    )


def _subject(
    bundle: Bundle,
    examples: Asked,
    artifacts: Sequence[Artifact],
    columns: Columns,
    run: Callable[[Mapping[str, np.ndarray]], Mapping[str, np.ndarray]],
) -> Texts | Questions:
    kind = bundle.model.task
    if isinstance(examples, Examples):
        if kind not in WHOLE_TEXTS:
            raise ExportError(
                f"The bundle is a model for {kind!r}: pass a file that the task reads, or a list "
                "of questions, instead of Examples."
            )
        if columns:
            raise TypeError(f"verify has no arguments {sorted(columns)} beside Examples.")
        return Texts(examples, bundle.config)
    if kind in WHOLE_TEXTS:
        raise ExportError(f"The bundle is {_kind(kind)}: pass its texts as data.examples.Examples.")
    from keras_bert_zoo.tasks.predictor import task_of

    from ..asking import longest_row

    columns = dict(columns)
    limit = columns.pop("limit", None)
    # One length for all, so that all answer the same rows.
    fixed = [size for artifact in artifacts if (size := longest_row(artifact))]
    most = min(fixed, default=None)
    task = task_of(kind, bundle.config, bundle.tokenizer, most=most, **columns)
    labelled = isinstance(examples, str)
    found = task.read(examples) if isinstance(examples, str) else task.asked(examples)
    return Questions(task, found[:limit], labelled, bundle, run)


def _check_kind(task: str | None, artifacts: Sequence[Artifact]) -> None:
    others = [artifact for artifact in artifacts if artifact.task != task]
    if others:
        raise ExportError(
            f"{others[0].path} is not of this bundle, which is {_kind(task)}: it is "
            f"{_kind(others[0].task)}. Pass the bundle that it was exported from."
        )


def _kind(task: str | None) -> str:
    return "an encoder" if task is None else f"a model for {task!r}"
