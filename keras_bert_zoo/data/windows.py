"""Long texts as rows that overlap, and which words their tokens belong to.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import EncodedTexts

_TOKENISED_AT_ONCE = 1024
Span = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Windows:
    """Rows of texts that may take several.

    Args:
        encoded: the rows.
        owners: which text a row is a part of, ``(N,)``.
        offsets: characters that each token comes from, ``(tokens, 2)``.
        sequences: 0 for tokens of the text, 1 of its second one, -1 for those that were added,
            ``(tokens,)``.
    """

    encoded: EncodedTexts
    owners: np.ndarray
    offsets: np.ndarray
    sequences: np.ndarray

    @property
    def special(self) -> np.ndarray:
        """Which tokens were added, bool ``(tokens,)``."""
        return self.sequences < 0

    @property
    def token_owners(self) -> np.ndarray:
        """Which text each token comes from, ``(tokens,)``."""
        return np.repeat(self.owners, self.encoded.lengths)

    @property
    def context(self) -> np.ndarray:
        """Tokens of its row on the poorer side of each token, ``(tokens,)``."""
        lengths = np.repeat(self.encoded.lengths, self.encoded.lengths)
        ends = np.cumsum(self.encoded.lengths)
        after = np.repeat(ends, self.encoded.lengths) - 1 - np.arange(len(lengths))
        return np.minimum(after, lengths - 1 - after)


def windows(
    texts: Sequence[str],
    tokenizer: Any,
    *,
    max_length: int,
    stride: int,
    text_pairs: Sequence[str] | None = None,
) -> Windows:
    """Tokenises texts; what is too long goes on in further rows.

    Args:
        texts: N strings.
        tokenizer: a ``Tokenizer``.
        max_length: tokens of a row.
        stride: tokens that a row shares with the one before it.
        text_pairs: N second texts. They are what goes on, behind the whole first one.

    Raises:
        TokenizerError: the stride leaves a row nothing new.
    """
    parts: dict[str, list[np.ndarray]] = {}
    # Once at least: no texts have no rows.
    for start in range(0, max(1, len(texts)), _TOKENISED_AT_ONCE):
        part = slice(start, start + _TOKENISED_AT_ONCE)
        found = tokenizer(
            list(texts[part]),
            None if text_pairs is None else list(text_pairs[part]),
            truncation=True if text_pairs is None else "only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_sequence_ids=True,
        )
        owners = found.pop("overflow_to_sample_mapping").numpy()
        lengths = found.pop("attention_mask").row_lengths().numpy()
        flat = {name: ragged.flat_values.numpy() for name, ragged in found.items()}
        for name, values in {**flat, "owners": owners + start, "lengths": lengths}.items():
            parts.setdefault(name, []).append(values)
    all_ = {name: np.concatenate(values) for name, values in parts.items()}
    encoded = EncodedTexts(
        all_["input_ids"], all_["token_type_ids"], all_["lengths"], tokenizer.pad_token_id
    )
    offsets = all_["offset_mapping"].reshape(-1, 2)
    return Windows(encoded, all_["owners"], offsets, all_["sequence_ids"])


@dataclasses.dataclass(frozen=True)
class WordTokens:
    """Which tokens are which words.

    Args:
        words: number of each token's word, counted over all texts; -1 for none.
        first: the token that speaks for each word: its first, in the row that shows most
            around it; -1 for a word without tokens.
    """

    words: np.ndarray
    first: np.ndarray


def align(words: Sequence[Sequence[Span]], found: Windows) -> WordTokens:
    """Finds the word that each token begins in.

    Args:
        words: first and last character (exclusive) of the words of each text, in order.
        found: the texts as rows.
    """
    counts = np.array([len(spans) for spans in words], dtype=np.int64)
    spans = np.array([span for text in words for span in text], dtype=np.int64).reshape(-1, 2)
    if not len(spans):
        nothing = np.full(len(found.special), -1)
        return WordTokens(nothing, np.zeros(0, np.int64))
    # Characters of all texts in one line: texts do not overlap, so one search finds all.
    stretch = max(int(found.offsets.max(initial=0)), int(spans.max())) + 1
    word_starts = spans[:, 0] + stretch * np.repeat(np.arange(len(words)), counts)
    word_ends = word_starts + spans[:, 1] - spans[:, 0]
    starts = found.offsets[:, 0] + stretch * found.token_owners
    word = np.searchsorted(word_starts, starts, side="right") - 1
    inside = (word >= 0) & (starts < word_ends[word]) & ~found.special
    word = np.where(inside, word, -1)
    return WordTokens(word, _speakers(word, starts, found.context, len(spans)))


def _speakers(word: np.ndarray, starts: np.ndarray, context: np.ndarray, count: int) -> np.ndarray:
    tokens = np.flatnonzero(word >= 0)
    begin = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(begin, word[tokens], starts[tokens])
    # A row may begin inside a word.
    tokens = tokens[starts[tokens] == begin[word[tokens]]]
    order = np.lexsort((tokens, -context[tokens], word[tokens]))
    known, at = np.unique(word[tokens][order], return_index=True)
    first = np.full(count, -1)
    first[known] = tokens[order][at]
    return first
