"""Several pairs of texts in one row, which do not see each other.

Krell et al. 2021 (arXiv:2107.02027), for two sides: the models are those that were built with
``packed=True``.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from keras_bert_zoo.data.pair_rows import WRITES, PairRows, shifted
from keras_bert_zoo.data.rows import EncodedTexts, Width

_POSITIONS, _MASK = "position_ids", "attention_mask"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PackedPairRows(PairRows):
    """Rows of one or more pairs: masks hold the numbers of the pairs, positions begin anew.

    Args:
        pairs: the row of each pair, int64 ``(pairs,)``, not falling.
        sides: tokens of both sides of each pair, int64 ``(pairs, 2)``.
    """

    pairs: np.ndarray
    sides: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Positions too."""
        return (*super().names, _POSITIONS, WRITES + _POSITIONS)

    @functools.cached_property
    def read_before(self) -> np.ndarray:
        """See ``PairRows``: each pair has a start."""
        return shifted(self.answered.input_ids, self.sides[:, 1], self.start)

    @functools.cached_property
    def numbers(self) -> np.ndarray:
        """The number of each pair in its row, from 1, ``(pairs,)``."""
        first = np.searchsorted(self.pairs, self.pairs)
        return np.arange(1, len(self.pairs) + 1) - first

    def inputs(self, rows: np.ndarray, width: Width) -> dict[str, np.ndarray]:
        """The model's inputs for some rows, int32 ``(B, S)`` and ``(B, T)``."""
        inputs = super().inputs(rows, width)
        widths = np.broadcast_to(width, 2)
        sides = (("", self.encoded), (WRITES, self.answered))
        for (prefix, texts), lengths, wide in zip(sides, self.sides.T, widths, strict=True):
            numbers = np.repeat(self.numbers, lengths).astype("int32")
            inputs[prefix + _MASK] = texts.spread(numbers, rows, wide, 0)
            inputs[prefix + _POSITIONS] = texts.spread(places(lengths), rows, wide, 0)
        return inputs


def places(lengths: np.ndarray) -> np.ndarray:
    """The place of each token in its text, from 0, int32 ``(tokens,)``."""
    starts = np.cumsum(lengths) - lengths
    return (np.arange(lengths.sum()) - np.repeat(starts, lengths)).astype("int32")


def packed(rows: PairRows, max_length: int) -> PackedPairRows:
    """Puts pairs together, the longest first, each into the first row with room on both sides.

    Args:
        rows: N pairs with what is to be written.
        max_length: tokens of the longest row, of each side.

    Raises:
        ValueError: there is nothing to be written, or a pair is longer than a row.
    """
    if rows.written is None:
        raise ValueError("rows have nothing that is to be written: packed rows are for training.")
    sides = rows.lengths
    if len(sides) and sides.max() > max_length:
        raise ValueError(
            f"The longest side has {sides.max()} tokens, a row max_length={max_length}. Raise it."
        )
    row_of = _first_fit(sides, max_length)
    order = np.argsort(row_of, kind="stable")
    row_of, sides = row_of[order], sides[order]
    encoded, written = (_together(texts, order, row_of) for texts in (rows.encoded, rows.written))
    return PackedPairRows(
        encoded,
        token_labels={"logits": written.input_ids},
        written=written,
        start=rows.start,
        pairs=row_of,
        sides=sides,
    )


def _first_fit(sides: np.ndarray, room: int) -> np.ndarray:
    """The row of each pair, ``(N,)``."""
    row_of = np.zeros(len(sides), "int64")
    left = np.full((len(sides), 2), room)
    begun = 0
    for pair in np.argsort(-sides.max(axis=1, initial=0), kind="stable"):
        # The row behind those that were begun has room for every pair.
        row = int((left[: begun + 1] >= sides[pair]).all(axis=1).argmax())
        left[row] -= sides[pair]
        row_of[pair] = row
        begun = max(begun, row + 1)
    return row_of


def _together(texts: EncodedTexts, order: np.ndarray, row_of: np.ndarray) -> EncodedTexts:
    """The texts in another order, and those of one row as one text."""
    starts = np.cumsum(texts.lengths) - texts.lengths
    lengths = texts.lengths[order]
    at = np.repeat(starts[order], lengths) + places(lengths)
    return dataclasses.replace(
        texts,
        input_ids=texts.input_ids[at],
        token_type_ids=texts.token_type_ids[at],
        lengths=np.bincount(row_of, lengths).astype("int64"),
    )
