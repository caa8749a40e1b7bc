"""Questions with their contexts as rows, and where an answer stands in them.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.windows import Windows, windows


def question_windows(
    questions: Sequence[str],
    contexts: Sequence[str],
    tokenizer: Any,
    *,
    max_length: int,
    stride: int,
    max_question_length: int,
) -> Windows:
    """Rows ``[CLS] question [SEP] part of the context [SEP]``.

    Args:
        questions: N texts.
        contexts: N texts; long ones go on in further rows.
        tokenizer: a ``Tokenizer``.
        max_length: tokens of the longest row.
        stride: tokens of a context that a row shares with the one before it.
        max_question_length: tokens after which a question is cut off.

    Returns:
        Rows whose offsets are characters of the contexts, combining marks included;
        ``(0, 0)`` for other tokens.

    Raises:
        ValueError: a row has no room for a question of that length and more than ``stride``
            tokens of a context.
    """
    special = tokenizer.num_special_tokens(pair=True)
    room = max_length - special - max_question_length
    if room <= stride:
        least, third = max_length - room + stride + 1, (max_length - special) // 3
        raise ValueError(
            f"max_length={max_length} has room for {special} special tokens, a question of "
            f"max_question_length={max_question_length} and {room} tokens of its context, which "
            f"must be more than stride={stride}. Set max_length to {least} or more if the model "
            "has so many positions, or lower the others, e.g. to "
            f"max_question_length={third} and stride={third}."
        )
    found = windows(
        _cut(questions, tokenizer, max_question_length),
        tokenizer,
        max_length=max_length,
        stride=stride,
        text_pairs=contexts,
    )
    # Those of a question count from its own beginning.
    offsets = np.where(found.sequences[:, None] == 1, found.offsets, 0)
    edges = np.searchsorted(found.token_owners, np.arange(len(contexts) + 1))
    for context, first, after in zip(contexts, edges[:-1], edges[1:], strict=True):
        if not context.isascii():
            offsets[first:after, 1] = _after_marks(context)[offsets[first:after, 1]]
    return dataclasses.replace(found, offsets=offsets)


def _after_marks(text: str) -> np.ndarray:
    """The next place that is not before a combining mark, for each place of a text.

    Tokens without accents end before those that are characters of their own: the answer
    "cafe\u0301" would lose its last one.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    places = np.arange(len(text) + 1)
    places[:-1][np.isin(points, _marks())] = len(text)
    places = np.minimum.accumulate(places[::-1])[::-1]
    return np.append(0, places[1:])  # no token ends at 0


@functools.cache
def _marks() -> np.ndarray:
    everything = range(128, sys.maxunicode + 1)
    return np.array([x for x in everything if unicodedata.category(chr(x)) == "Mn"], "uint32")


def _cut(texts: Sequence[str], tokenizer: Any, tokens: int) -> list[str]:
    """The beginnings of texts that are so many tokens.

    WordPiece takes the longest piece it knows from the left: a word that ends where one of
    its pieces did is cut into the same pieces.
    """
    found = tokenizer(
        list(texts),
        add_special_tokens=False,
        truncation=True,
        max_length=tokens,
        return_offsets_mapping=True,
    )
    lengths = found["input_ids"].row_lengths().numpy()
    offsets = found["offset_mapping"].flat_values.numpy()
    lasts = np.cumsum(lengths) - 1
    full = lengths == tokens
    ends = iter(offsets[lasts[full], 1].tolist())
    return [
        text[: next(ends)] if cut else text for text, cut in zip(texts, full.tolist(), strict=True)
    ]


def token_places(found: Windows, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Which tokens of each row are the first and last of a part of its context.

    Args:
        found: W rows of N questions.
        starts: int ``(N,)``, the first character; negative where there is none.
        ends: int ``(N,)``, the character after the last.

    Returns:
        int32 ``(W, 2)``; 0, ``[CLS]``, in rows that do not hold the whole part.
    """
    encoded, owners, offsets = found.encoded, found.owners, found.offsets
    count = len(encoded)
    rows = np.repeat(np.arange(count), encoded.lengths)
    inside = offsets[:, 1] > 0
    rows, begin, stop = rows[inside], offsets[inside, 0], offsets[inside, 1]
    start, end = starts[owners], ends[owners]
    before = np.bincount(rows[stop <= start[rows]], minlength=count)
    until = np.bincount(rows[begin < end[rows]], minlength=count)
    size = np.bincount(rows, minlength=count)
    # A row that begins after the part does, or ends before it, misses some of it; but nothing
    # comes before the first row of a context, nor after its last.
    change = owners[1:] != owners[:-1]
    is_first, is_last = np.append(True, change), np.append(change, True)
    edges = np.cumsum(size)
    known = size > 0
    least, most = np.zeros(count, int), np.zeros(count, int)
    least[known], most[known] = begin[(edges - size)[known]], stop[edges[known] - 1]
    held = (is_first | (least <= start)) & (is_last | (most >= end))
    held &= known & (start >= 0) & (before < until)
    # The context is the last but one thing in its row: [SEP] follows.
    first = encoded.lengths - 1 - size
    places = np.stack([first + before, first + until - 1], axis=1)
    return np.where(held[:, None], places, 0).astype("int32")
