"""Several short documents in one row. No TensorFlow.

Best fit, longest first, on the histogram of lengths, after Krell et al. 2021 (arXiv:2107.02027):
rows of equal content are filled together, so that the time depends on the number of different
lengths and not on that of documents.
"""

from __future__ import annotations

import collections

import numpy as np

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.full_sentences import cut_long
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.rows import Rows

_SPECIALS = 2  # [CLS] and [SEP] of each document
_Fill = tuple[int, ...]  # the sizes in one row, longest first


def plan_packed(block: Block, options: BatchOptions, random: np.random.Generator) -> Rows:
    """Every token of a block in exactly one row; documents longer than a row are cut."""
    starts = block.sentence_starts[block.document_starts]
    lengths = block.sentence_ends[block.document_ends - 1] - starts
    closes = np.ones(len(starts), bool)
    starts, lengths, closes = cut_long(starts, lengths, closes, options.capacity)
    order = random.permutation(len(starts))
    order = order[np.argsort(lengths[order], kind="stable")]
    sizes = lengths + _SPECIALS
    histogram = np.bincount(sizes, minlength=options.max_length + 1)
    pieces, counts = _deal(order, histogram, pack(histogram))
    ends = np.cumsum(counts)
    return Rows(
        starts[pieces],
        lengths[pieces],
        splits=np.append(0, ends),
        closes=closes[pieces[ends - 1]],
    )


def pack(histogram: np.ndarray) -> dict[_Fill, int]:
    """Fills rows as wide as the largest size of a histogram.

    Args:
        histogram: int64 ``(S + 1,)``, how many documents have each size, special tokens counted.

    Returns:
        Sizes in a row, and how many rows have exactly these.
    """
    width = len(histogram) - 1
    # By the space that is left: what stands in such rows, and how many there are.
    space: dict[int, collections.Counter[_Fill]] = collections.defaultdict(collections.Counter)
    for size in np.flatnonzero(histogram)[::-1].tolist():
        waiting = int(histogram[size])
        while waiting:
            left = next((room for room in range(size, width) if space[room]), width)
            fill, count = space[left].popitem() if left < width else ((), waiting)
            # What is left of the best row is again the best for another one of this size.
            times = min(left // size, waiting)
            used = min(waiting // times, count)
            if left < width and count > used:
                space[left][fill] = count - used
            space[left - size * times][fill + (size,) * times] += used
            waiting -= used * times
    return dict(sum(space.values(), collections.Counter()))


def _deal(
    order: np.ndarray, histogram: np.ndarray, fills: dict[_Fill, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Gives every place of every row a document of its size.

    Args:
        order: documents, shortest first.
        histogram: how many there are of each size.
        fills: see ``pack``.

    Returns:
        The documents of all rows, one row after the other, and their number in each.
    """
    used = np.cumsum(histogram) - histogram
    pieces, counts = [], []
    for fill, count in fills.items():
        columns = []
        for size in fill:
            columns.append(order[used[size] : used[size] + count])
            used[size] += count
        pieces.append(np.stack(columns, axis=1).ravel())
        counts.append(np.full(count, len(fill)))
    return np.concatenate(pieces), np.concatenate(counts)
