"""Documents as rows of sentences, a ``[CLS]`` before each.

TensorFlow-only.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import EncodedTexts

_log = logging.getLogger(__name__)
_TOKENISED_AT_ONCE = 4096


def sentence_rows(
    documents: Sequence[Sequence[str]], tokenizer: Any, max_length: int
) -> tuple[EncodedTexts, np.ndarray]:
    """Rows ``[CLS] one [SEP] [CLS] another [SEP] …``, their segments 0 and 1 in turn.

    Liu and Lapata 2019 (arXiv:1908.08345), section 3.1. A document of more tokens goes on in
    further rows, whole sentences in each; a sentence that no row holds is cut, and how many were
    is logged. So every sentence is in one row. A ``[CLS]`` that a text spells becomes ``[UNK]``.
    A document without sentences has the row of an empty one.

    Args:
        documents: sentences of each.
        tokenizer: a ``Tokenizer``.
        max_length: tokens of the longest row.

    Returns:
        The rows, and the token that each sentence begins with, ``(sentences,)``.
    """
    filled = [document or ("",) for document in documents]
    counts = [len(document) for document in filled]
    flat = [sentence for document in filled for sentence in document]
    ids, lengths = _tokens(flat, tokenizer)
    sizes = np.minimum(lengths, max_length - 2) + 2
    if cut := int((sizes < lengths + 2).sum()):
        _log.warning("%d of %d sentences were cut at %d tokens", cut, len(flat), max_length - 2)
    places = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ids = ids[places < np.repeat(sizes - 2, lengths)]
    ids[ids == tokenizer.cls_token_id] = tokenizer.unk_token_id

    row_of, number = _rows(sizes, counts, max_length)
    first = np.cumsum(sizes) - sizes
    tokens = np.full(sizes.sum(), -1, "int32")
    tokens[first] = tokenizer.cls_token_id
    tokens[first + sizes - 1] = tokenizer.sep_token_id
    tokens[tokens < 0] = ids
    segments = np.repeat(number % 2, sizes).astype("int32")
    row_lengths = np.bincount(row_of, sizes).astype("int64")
    encoded = EncodedTexts(tokens, segments, row_lengths, tokenizer.pad_token_id)
    return encoded, first[np.repeat([len(document) > 0 for document in documents], counts)]


def _tokens(sentences: Sequence[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ids of all sentences ``(tokens,)`` and how many each has ``(sentences,)``."""
    parts = [
        tokenizer(sentences[start : start + _TOKENISED_AT_ONCE], add_special_tokens=False)
        for start in range(0, len(sentences), _TOKENISED_AT_ONCE)
    ]
    ragged = [part["input_ids"] for part in parts]
    ids = np.concatenate([each.flat_values.numpy() for each in ragged])
    return ids, np.concatenate([each.row_lengths().numpy() for each in ragged])


def _rows(
    sizes: np.ndarray, counts: Sequence[int], max_length: int
) -> tuple[np.ndarray, np.ndarray]:
    """The row of each sentence, and its number there; documents share no row."""
    places, row, number, room = [], -1, 0, 0
    for document in np.split(sizes, np.cumsum(counts)[:-1]):
        room = 0
        for size in document.tolist():
            if size > room:
                row, number, room = row + 1, 0, max_length
            places.append((row, number))
            number, room = number + 1, room - size
    return tuple(np.array(places).T)
