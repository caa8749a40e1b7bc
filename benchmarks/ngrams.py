"""A model of the next token that counts: interpolated Kneser-Ney.

The modified form with three discounts (Chen & Goodman 1998, TR-10-98, section 3), in which what
begins a text is counted as it stands, because nothing comes before it (Heafield et al. 2013,
"Scalable Modified Kneser-Ney Language Model Estimation", section 3). Below all stands the uniform
distribution, so that every token has a chance.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

# Where a corpus is too small to estimate them: those of KenLM.
_FALLBACK = np.array([0.5, 1.0, 1.5])


@dataclasses.dataclass(frozen=True)
class Text:
    """Texts one after the other, ``N`` tokens.

    Args:
        tokens: int64 ``(N,)``.
        history: how many tokens of its text come before each, int64 ``(N,)``.
        counted: which are to be predicted, bool ``(N,)``: all of a text but its first, and
            perhaps its last.
    """

    tokens: np.ndarray
    history: np.ndarray
    counted: np.ndarray


class _Grams(NamedTuple):
    """All grams of one length; the key of one is the number of its context, then its word."""

    keys: np.ndarray  # sorted; where one stands is its number
    counts: np.ndarray  # how often each is to be predicted
    begins: np.ndarray  # whether it begins a text
    suffixes: np.ndarray  # the number of what all but its first token are


class _Order(NamedTuple):
    """The chances that grams of one length give."""

    keys: np.ndarray
    shares: np.ndarray  # what each has of its context, the discount taken off
    rest: np.ndarray  # what each context leaves to the shorter one


class KneserNey:
    """Counts a text.

    Args:
        text: what is counted.
        words: size of the vocabulary.
        order: tokens of the longest gram.
    """

    def __init__(self, text: Text, words: int, order: int) -> None:
        self.words = words
        self.orders: list[_Order] = []
        lengths, contexts = _grams(text, words, order), 1
        for index, grams in enumerate(lengths):
            counts = grams.counts
            if index + 1 < order:
                longer = lengths[index + 1]
                before = longer.suffixes[longer.counts > 0]
                counts = np.bincount(before, minlength=len(counts)) + counts * grams.begins
            self.orders.append(_order(grams.keys, counts, grams.keys // words, contexts))
            contexts = len(grams.keys)

    def losses(self, text: Text) -> np.ndarray:
        """-log p of each token that is counted, in nats; float64."""
        chances = np.full(len(text.tokens), 1.0 / self.words)
        contexts = np.zeros(len(text.tokens), "int64")
        for index, (keys, shares, rest) in enumerate(self.orders):
            known = (contexts >= 0) & (text.history >= index)
            wanted = contexts * self.words + text.tokens
            numbers = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            found = known & (keys[numbers] == wanted)
            longer = np.where(found, shares[numbers], 0.0) + rest[contexts] * chances
            chances = np.where(known, longer, chances)
            contexts = np.roll(np.where(found, numbers, -1), 1)
        return -np.log(chances[text.counted])


def _grams(text: Text, words: int, order: int) -> list[_Grams]:
    numbers, lengths = np.zeros(len(text.tokens), "int64"), []
    for index in range(order):
        places = np.flatnonzero(text.history >= index)
        wanted = np.roll(numbers, 1)[places] * words + text.tokens[places]
        keys, first, inverse = np.unique(wanted, return_index=True, return_inverse=True)
        counts = np.bincount(inverse, text.counted[places]).astype("int64")
        first = places[first]
        lengths.append(_Grams(keys, counts, text.history[first] == index, numbers[first]))
        numbers = np.full(len(text.tokens), -1)
        numbers[places] = inverse
    return lengths


def _order(keys: np.ndarray, counts: np.ndarray, contexts: np.ndarray, size: int) -> _Order:
    taken = np.append(0.0, discounts(counts))[np.minimum(counts, 3)]
    totals = np.bincount(contexts, counts, size)
    # A context that nothing follows leaves all there is.
    rest = np.ones(size)
    np.divide(np.bincount(contexts, taken, size), totals, out=rest, where=totals > 0)
    return _Order(keys, (counts - taken) / np.maximum(totals, 1)[contexts], rest)


def discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken off counts of one, of two, and of three or more."""
    seen = np.array([(counts == n).sum() for n in range(1, 5)], "float64")
    if not seen.all():
        return _FALLBACK
    part = seen[0] / (seen[0] + 2 * seen[1])
    found = np.array([1, 2, 3]) - np.array([2, 3, 4]) * part * seen[1:] / seen[:-1]
    return found if (found > 0).all() else _FALLBACK
