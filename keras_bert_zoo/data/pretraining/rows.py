"""Which pieces of a block stand in which row, and the rows as arrays. No TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.runs import ranges


@dataclasses.dataclass(frozen=True)
class Rows:
    """R rows of pieces, each piece consecutive tokens of a block.

    Args:
        starts: int64 ``(pieces,)``, in tokens of the block.
        lengths: int64 ``(pieces,)``, in tokens.
        splits: int64 ``(R + 1,)``: row ``r`` has the pieces from ``splits[r]`` to
            ``splits[r + 1]``.
        labels: int32 ``(R,)``, of pairs.
        closes: bool ``(R,)``, of whole texts: whether a row ends where a document does.
    """

    starts: np.ndarray
    lengths: np.ndarray
    splits: np.ndarray
    labels: np.ndarray | None = None
    closes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.splits) - 1


@dataclasses.dataclass(frozen=True)
class Layout:
    """How pieces become a row.

    ``[CLS] piece [SEP] piece [SEP] …``; packed, every piece has its own ``[CLS]``.

    Args:
        options: width and kind of the rows.
        special_ids: id of ``cls_token``, ``sep_token`` and ``pad_token``.
        words: whether to read where words go on.
    """

    options: BatchOptions
    special_ids: Mapping[str, int]
    words: bool = False

    def arrays(self, block: Block, rows: Rows, chosen: np.ndarray) -> dict[str, np.ndarray]:
        """Some rows: their tokens, and what tells the rest of the encoder's inputs.

        Returns:
            int32: ``input_ids`` ``(len(chosen), S)``; ``lengths`` ``(len(chosen),)``, and
            of pairs ``first_lengths``, with special tokens; packed ``documents``
            ``(len(chosen), S)``, the number of each token's document in its row, from 1;
            ``word_continues`` ``(len(chosen), S)`` if words are read.
        """
        counts = rows.splits[chosen + 1] - rows.splits[chosen]
        pieces = ranges(rows.splits[chosen], counts)
        number = ranges(0, counts)
        lengths = rows.lengths[pieces]
        lead = np.ones_like(number) if self.options.packed else (number == 0).astype("int64")
        sizes = lead + lengths + 1
        begins = _begins(sizes, counts, self.options.max_length)
        texts = ranges(begins + lead, lengths)
        sources = ranges(rows.starts[pieces], lengths)

        canvas = _Canvas(len(chosen), self.options.max_length)
        ids = canvas.filled(texts, block.tokens(sources), self.special_ids["pad_token"])
        ids.reshape(-1)[begins[lead == 1]] = self.special_ids["cls_token"]
        ids.reshape(-1)[begins + sizes - 1] = self.special_ids["sep_token"]
        ends = (begins + sizes)[np.cumsum(counts) - 1]
        row_starts = np.arange(len(chosen)) * self.options.max_length
        arrays = {"input_ids": ids, "lengths": (ends - row_starts).astype("int32")}
        if self.options.pairs:
            arrays["first_lengths"] = sizes[number == 0].astype("int32")
        if self.options.packed:
            numbers = np.repeat(number + 1, sizes)
            arrays["documents"] = canvas.filled(ranges(begins, sizes), numbers)
        if self.words:
            arrays["word_continues"] = canvas.filled(texts, block.word_continues(sources))
        return arrays


@dataclasses.dataclass(frozen=True)
class _Canvas:
    height: int
    width: int

    def filled(self, places: np.ndarray, values: np.ndarray, rest: int = 0) -> np.ndarray:
        """Values at places counted through all rows, and ``rest`` elsewhere."""
        # Not through `flat`, which is several times slower.
        array = np.full(self.height * self.width, rest, "int32")
        array[places] = values
        return array.reshape(self.height, self.width)


def _begins(sizes: np.ndarray, counts: np.ndarray, width: int) -> np.ndarray:
    """Where each piece begins, counted through all rows of a width."""
    before = np.cumsum(sizes) - sizes
    firsts = np.cumsum(counts) - counts
    return before + np.repeat(np.arange(len(counts)) * width - before[firsts], counts)
