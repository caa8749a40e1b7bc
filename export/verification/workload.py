"""What a benchmark feeds: rows of random words of a given number of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.config import EncoderConfig

from ..artifact import Artifact
from ..errors import ExportError
from ..runner import padded
from ..signature import BATCH, SEQUENCE, Signature

# Words that every tokenizer of this vocabulary leaves whole: normalisation changes none of them.
_WHOLE = re.compile(r"[a-z]+|[\u4e00-\u9fff]")


class Shape(NamedTuple):
    """Rows and tokens of a call."""

    batch_size: int
    length: int


def calls_of(
    artifact: Artifact, takes_text: bool, shapes: Iterable[Shape]
) -> dict[Shape, Mapping[str, Any]]:
    """Inputs by shape, of those shapes that the artifact takes.

    Args:
        artifact: what is called.
        takes_text: whether with strings or with ids.
        shapes: rows and tokens, ``[CLS]`` and ``[SEP]`` among them.
    """
    config = artifact.config
    signatures = [s for s in artifact.signatures if s.takes_text == takes_text]
    longest = _longest(artifact, config)
    batch = signatures[0].size(BATCH)
    taken = [s for s in shapes if s.length <= longest and batch in (None, s.batch_size)]
    if takes_text:
        words = _words(artifact)
        return {shape: {"text": _texts(shape, words)} for shape in taken}
    return {shape: _ids(shape, signatures, config) for shape in taken}


def _longest(artifact: Artifact, config: EncoderConfig) -> int:
    fixed = artifact.options.get("lengths")
    return max(fixed) if fixed else config.max_tokens


def _ids(shape: Shape, signatures: list[Signature], config: EncoderConfig) -> dict[str, np.ndarray]:
    """Random ids, padded to the shortest fixed length that holds them."""
    ids = np.random.default_rng(0).integers(config.vocab_size, size=shape)
    rows = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    rows["token_type_ids"] = np.zeros_like(ids)
    fixed = [size for s in signatures if (size := s.size(SEQUENCE)) is not None]
    width = min((size for size in fixed if size >= shape.length), default=shape.length)
    return padded(rows, width, config.pad_token_id)


def _texts(shape: Shape, words: list[str]) -> list[str]:
    """Texts of so many words that two special tokens complete the length."""
    random = np.random.default_rng(0)
    count = max(shape.length - 2, 0)
    return [" ".join(random.choice(words, count)) for _ in range(shape.batch_size)]


def _words(artifact: Artifact) -> list[str]:
    file = artifact.path / "tokenizer.json"
    vocabulary = json.loads(file.read_text(encoding="utf-8"))["model"]["vocab"]
    words = [word for word in vocabulary if _WHOLE.fullmatch(word)]
    if not words:
        raise ExportError(
            f"{file} has no words of Latin letters or Chinese characters to call with."
        )
    return words
