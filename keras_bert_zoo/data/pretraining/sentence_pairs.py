"""Pairs of texts for next-sentence and sentence-order prediction. No TensorFlow.

Next sentences are those of ``create_pretraining_data.py`` of BERT (Devlin et al. 2018,
arXiv:1810.04805), sentence order that of ALBERT (Lan et al. 2019, arXiv:1909.11942). Both walk
through a document in chunks of whole sentences; where the next chunk starts depends on what
was drawn for this one. Here everything is drawn for every sentence at which a chunk could start,
and only then the walk picks those at which one does: the distribution is the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.rows import Rows
from keras_bert_zoo.data.pretraining.runs import walk


class _Chunks(NamedTuple):
    """Chunks by their sentences: ``[first, split)`` is A, ``[split, end)`` may be B."""

    first: np.ndarray
    split: np.ndarray
    end: np.ndarray
    target: np.ndarray  # tokens that the pair should have
    elsewhere: np.ndarray  # whether B comes from another document


def plan_pairs(block: Block, options: BatchOptions, random: np.random.Generator) -> Rows:
    """All pairs of one pass over a block.

    Label 1 is a second text from elsewhere or, for sentence order, a swapped pair. A chunk of
    one sentence has no second half: as published, it gets a text from elsewhere and label 1.
    """
    chunks = _draw_chunks(block, options, random)
    first, second = _texts(block, chunks, random)
    labels = chunks.elsewhere
    if options.sentences == "order":
        swapped = ~chunks.elsewhere & (random.random(len(labels)) < 0.5)
        first, second = (
            np.where(swapped[:, None], second, first),
            np.where(swapped[:, None], first, second),
        )
        labels = labels | swapped
    bounds = np.stack(_truncate(first, second, options.capacity, random), axis=1).reshape(-1, 2)
    return Rows(
        starts=bounds[:, 0],
        lengths=bounds[:, 1] - bounds[:, 0],
        splits=2 * np.arange(len(labels) + 1),
        labels=labels.astype("int32"),
    )


def _draw_chunks(block: Block, options: BatchOptions, random: np.random.Generator) -> _Chunks:
    sentences = np.arange(len(block.sentence_ends))
    target = _targets(len(block.document_ends), options, random)[block.document]
    filled = np.searchsorted(block.sentence_ends, block.sentence_starts + target) + 1
    end = np.minimum(filled, block.document_ends[block.document])
    size = end - sentences
    split = sentences + random.integers(1, np.maximum(size, 2))
    # Sentence order swaps halves instead, later: it never takes B from elsewhere by choice.
    rate = 0.5 if options.sentences == "next" else 0.0
    elsewhere = (size == 1) | (random.random(len(size)) < rate)
    # What was not used is put back: the next chunk starts with it.
    first = walk(np.where(elsewhere, split, end))
    return _Chunks(first, *(part[first] for part in (split, end, target, elsewhere)))


def _targets(count: int, options: BatchOptions, random: np.random.Generator) -> np.ndarray:
    """Tokens of a pair: the whole row or, for some documents, less."""
    short = random.random(count) < options.short_seq_prob
    lengths = random.integers(2, options.capacity, count, endpoint=True)
    return np.where(short, lengths, options.capacity)


def _texts(
    block: Block, chunks: _Chunks, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Both texts of each chunk as bounds in tokens, int64 ``(chunks, 2)``."""
    first = np.stack(
        [block.sentence_starts[chunks.first], block.sentence_ends[chunks.split - 1]], axis=1
    )
    missing = np.maximum(chunks.target - (first[:, 1] - first[:, 0]), 1)
    document = _other_documents(block, block.document[chunks.first], random)
    start = random.integers(block.document_starts[document], block.document_ends[document])
    filled = np.searchsorted(block.sentence_ends, block.sentence_starts[start] + missing) + 1
    end = np.minimum(filled, block.document_ends[document])
    start = np.where(chunks.elsewhere, start, chunks.split)
    end = np.where(chunks.elsewhere, end, chunks.end)
    # A chunk of one sentence has no second half, and always takes the one from elsewhere.
    return first, np.stack([block.sentence_starts[start], block.sentence_ends[end - 1]], axis=1)


def _other_documents(
    block: Block, documents: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """A document other than each of these; the same where there is only one."""
    count = len(block.document_ends)
    if count == 1:
        return documents
    drawn = random.integers(0, count - 1, len(documents))
    return drawn + (drawn >= documents)


def _truncate(
    first: np.ndarray, second: np.ndarray, capacity: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Takes tokens one by one from the longer text, each from either end, until both fit.

    Of two that are equally long the second is cut. How many tokens go from the front is then
    binomial.
    """
    sizes = np.stack([first[:, 1] - first[:, 0], second[:, 1] - second[:, 0]])
    excess = np.maximum(sizes.sum(0) - capacity, 0)
    uneven = np.minimum(excess, np.abs(sizes[0] - sizes[1]))
    rest = excess - uneven
    longer = sizes[0] > sizes[1]
    cut = (rest // 2 + uneven * longer, (rest + 1) // 2 + uneven * ~longer)
    return _cut(first, cut[0], random), _cut(second, cut[1], random)


def _cut(bounds: np.ndarray, count: np.ndarray, random: np.random.Generator) -> np.ndarray:
    front = random.binomial(count, 0.5)
    return np.stack([bounds[:, 0] + front, bounds[:, 1] - (count - front)], axis=1)
