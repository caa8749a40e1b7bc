"""Rows of whole sentences, across documents. No TensorFlow.

FULL-SENTENCES of RoBERTa (Liu et al. 2019, arXiv:1907.11692, section 4.2): sentences one after
the other until the row is full, ``[SEP]`` where a document ends within it. Documents are shuffled,
and a sentence longer than a row is cut, so that no token is lost.
"""

from __future__ import annotations

import numpy as np

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.rows import Rows
from keras_bert_zoo.data.pretraining.runs import ranges, walk


def plan_full_sentences(block: Block, options: BatchOptions, random: np.random.Generator) -> Rows:
    """Every token of a block in exactly one row."""
    order = random.permutation(len(block.document_ends))
    counts = (block.document_ends - block.document_starts)[order]
    sentences = ranges(block.document_starts[order], counts)
    closes = np.zeros(len(sentences), bool)
    closes[np.cumsum(counts) - 1] = True
    starts, lengths, closes = cut_long(
        block.sentence_starts[sentences],
        block.sentence_ends[sentences] - block.sentence_starts[sentences],
        closes,
        options.capacity,
    )
    firsts = _row_starts(lengths, closes, options.max_length)
    # A piece ends with its row or with its document.
    marks = np.union1d(firsts, np.flatnonzero(closes)[:-1] + 1)
    return Rows(
        starts=starts[marks],
        lengths=np.add.reduceat(lengths, marks),
        splits=np.append(np.searchsorted(marks, firsts), len(marks)),
        closes=closes[np.append(firsts[1:], len(closes)) - 1],
    )


def cut_long(
    starts: np.ndarray, lengths: np.ndarray, closes: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts runs of tokens to at most ``limit`` each; the last part keeps the mark."""
    parts = -(-lengths // limit)
    index = ranges(0, parts)
    last = index == np.repeat(parts, parts) - 1
    left = np.repeat(lengths, parts) - index * limit
    return (
        np.repeat(starts, parts) + index * limit,
        np.minimum(left, limit),
        np.repeat(closes, parts) & last,
    )


def _row_starts(lengths: np.ndarray, closes: np.ndarray, max_length: int) -> np.ndarray:
    """The first sentence of each row, filled greedily."""
    # Tokens and separators up to each sentence's end; a row that ends inside a document
    # needs one separator more.
    used = np.cumsum(lengths + closes)
    before = used - lengths - closes
    return walk(np.searchsorted(used + ~closes, before + max_length - 1, side="right"))
