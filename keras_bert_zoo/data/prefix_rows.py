"""Texts and what is to be written of them in one row, for a decoder that reads a prefix.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.pair_rows import TOKENS, Frame, begun, ended
from keras_bert_zoo.data.rows import EncodedTexts, Rows, encode


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrefixRows(Rows):
    """Rows of what is read, segment 0, and behind it what is to be written, segment 1.

    The label at the last place that is read, and at each behind it, is the token that follows.
    """

    def kept(self, rows: np.ndarray, outputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """The tokens that were written; logits are as wide as the vocabulary."""
        return {TOKENS: outputs[TOKENS]}


def prefix_rows(
    texts: Any,
    targets: Any,
    tokenizer: Any,
    *,
    frame: Frame,
    end: int,
    max_length: int,
    max_target_length: int,
) -> PrefixRows:
    """Tokenises texts and what is to be written of them.

    Args:
        texts: N texts.
        targets: N texts.
        tokenizer: a ``Tokenizer``.
        frame: what stands around each text.
        end: id that ends what is written.
        max_length: tokens at which texts are cut, those around them included.
        max_target_length: the same of what is to be written, its end included.
    """
    read = begun(texts, tokenizer, max_length, frame)
    bare = encode(Examples(targets), tokenizer, max_target_length - 1, add_special_tokens=False)
    written = ended(bare, end)
    # The end is learned, and never read.
    lengths = read.lengths + bare.lengths
    starts = np.cumsum(lengths) - lengths
    is_read = np.zeros(lengths.sum(), bool)
    is_read[_places(starts, read.lengths)] = True
    input_ids = np.empty(len(is_read), "int32")
    input_ids[is_read], input_ids[~is_read] = read.input_ids, bare.input_ids
    labels = np.full(len(is_read), IGNORED, "int32")
    labels[_places(starts + read.lengths - 1, written.lengths)] = written.input_ids
    segments = (~is_read).astype("int32")
    encoded = EncodedTexts(input_ids, segments, lengths, read.pad_token_id)
    return PrefixRows(encoded=encoded, token_labels={"logits": labels})


def _places(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The places from each start on, as many as the lengths say, ``(sum,)``."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())


def prefixes(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is read of a batch of ``PrefixRows``: ``input_ids`` and ``attention_mask``."""
    mask = inputs["attention_mask"] * (inputs["token_type_ids"] == 0)
    width = int(mask.sum(axis=1).max())
    found = {"input_ids": inputs["input_ids"] * mask, "attention_mask": mask}
    return {name: x[:, :width] for name, x in found.items()}
