"""What Keras says to the same texts: the measure of every artifact."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_bert_zoo.config import EncoderConfig

from ..measurement import timed
from ..signature import BATCH, SEQUENCE, Signature

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
        config: of the bundle.
        size: bytes of the weights.
        weights: their digest.
    """

    inputs: dict[Case, dict[str, np.ndarray]]
    outputs: dict[Case, dict[str, np.ndarray]]
    seconds: dict[Case, float]
    runtime: str
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
    source: str,
    texts: Sequence[str],
    text_pairs: Sequence[str] | None,
    cases: Sequence[Case],
    threads: int,
) -> Reference:
    """Tokenizes the cases and runs them through the Keras model, in this process.

    Raises:
        ValueError: the bundle has no tokenizer.
    """
    import tensorflow as tf

    import keras_bert_zoo

    from ..digest import digest_of
    from ..runner import padded
    from ..savedmodel.text_signatures import longest_text
    from ..tracing import trace

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    bundle = keras_bert_zoo.load(source, dtype="float32")
    if bundle.tokenizer is None:
        raise ValueError(f"{source} has no tokenizer, so no text can be given to its model.")
    limit = longest_text(bundle)

    def encode(case: Case) -> dict[str, np.ndarray]:
        lengths = sorted(min(length, limit) for length in case.lengths or (limit,))
        encoded = bundle.tokenizer(
            [texts[row] for row in case.rows],
            text_pairs and [text_pairs[row] for row in case.rows],
            truncation=True,
            max_length=lengths[-1],
            padding=True,
        )
        arrays = {name: tensor.numpy() for name, tensor in encoded.items()}
        tokens = arrays["input_ids"].shape[1]
        width = next(n for n in lengths if n >= tokens) if case.lengths else tokens
        return padded(arrays, width, bundle.tokenizer.pad_token_id)

    traced = trace(bundle.model, Signature.of(bundle.model))

    def run(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in batch.items()}
        return {name: value.numpy() for name, value in traced(**tensors).items()}

    inputs = [encode(case) for case in cases]
    outputs, seconds = timed(run, inputs)
    return Reference(
        dict(zip(cases, inputs, strict=True)),
        dict(zip(cases, outputs, strict=True)),
        dict(zip(cases, seconds, strict=True)),
        f"keras {importlib.metadata.version('keras')}",
        bundle.config,
        sum(weight.value.numpy().nbytes for weight in bundle.model.weights),
        digest_of(bundle.model),
    )
