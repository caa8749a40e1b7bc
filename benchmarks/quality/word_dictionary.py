"""Translation word by word, of a dictionary that IBM's model 1 learns: what a model must beat.

Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
import tokenizers
from tokenizers import models, trainers

from keras_bert_zoo.evaluation.extracts import WIDE
from keras_bert_zoo.evaluation.spacing import respaced

_PART = re.compile(rf"[{WIDE}]+|[^\W_{WIDE}]+|[^\w\s]|_")
_NOTHING = ""


class Words:
    """Cuts texts into words; runs of Chinese into the pieces that byte-pair encoding finds.

    Args:
        texts: what pieces are learned of; without Chinese there are none.
        size: of the vocabulary of pieces.
    """

    def __init__(self, texts: Iterable[str], size: int) -> None:
        self._pieces = tokenizers.Tokenizer(models.BPE())
        runs = (part for text in texts for part in _PART.findall(text) if _is_wide(part))
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
        self._pieces.train_from_iterator(runs, trainer)

    def __call__(self, text: str) -> list[str]:
        """The words of a text."""
        parts = _PART.findall(text)
        return [word for part in parts for word in (self._cut(part) if _is_wide(part) else [part])]

    def _cut(self, run: str) -> list[str]:
        return self._pieces.encode(run).tokens


class WordDictionary:
    """The likeliest translation of each word.

    Args:
        pairs: texts and their translations.
        pieces: see ``Words``.
        iterations: of expectation and maximisation.
    """

    def __init__(
        self, pairs: Sequence[tuple[str, str]], *, pieces: int = 5000, iterations: int = 5
    ) -> None:
        self._words = Words((text for pair in pairs for text in pair), pieces)
        cut = [(self._words(a.lower()), self._words(b)) for a, b in pairs]
        table = translation_table(cut, iterations)
        self._best: dict[str, tuple[float, str]] = {}
        for (source, target), chance in table.items():
            # What is likelier beside every word says nothing of this one.
            if chance > table[_NOTHING, target]:
                self._best[source] = max(self._best.get(source, (0.0, "")), (chance, target))

    def translate(self, text: str) -> str:
        """A text word by word in its order; words that were never seen stay as they are."""
        words = self._words(text)
        known = (self._best.get(word.lower(), (1.0, word))[1] for word in words)
        return respaced(" ".join(known), text)


def translation_table(
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]], iterations: int
) -> dict[tuple[str, str], float]:
    """How likely a word is translated by another: model 1, from equal chances.

    Args:
        pairs: words of texts and of their translations.
        iterations: of expectation and maximisation.

    Returns:
        By word and translation, of those that stand in one pair; the empty word stands in all.
    """
    sources, targets = (_numbered(side) for side in zip(*pairs, strict=True))
    width = len(targets)
    blocks = [
        np.add.outer([targets[word] for word in b], [sources[word] * width for word in ("", *a)])
        for a, b in pairs
        if b
    ]
    # Of each translated word, the words that it may translate.
    sizes = np.concatenate([np.full(len(block), block.shape[1]) for block in blocks])
    links, link = np.unique(np.concatenate([x.ravel() for x in blocks]), return_inverse=True)
    owner, starts = links // width, np.cumsum(sizes) - sizes
    chances = np.ones(len(links))
    for _ in range(iterations):
        shares = chances[link]
        shares /= np.repeat(np.add.reduceat(shares, starts), sizes)
        counts = np.bincount(link, shares)
        chances = counts / np.bincount(owner, counts)[owner]
    names, translations = list(sources), list(targets)
    found = zip(owner.tolist(), (links % width).tolist(), chances.tolist(), strict=True)
    return {(names[a], translations[b]): chance for a, b, chance in found}


def _numbered(texts: Iterable[Sequence[str]]) -> dict[str, int]:
    """Words and their numbers; the empty word is the first."""
    words = dict.fromkeys((_NOTHING, *(word for text in texts for word in text)))
    return {word: number for number, word in enumerate(words)}


def _is_wide(part: str) -> bool:
    return re.match(f"[{WIDE}]", part) is not None
