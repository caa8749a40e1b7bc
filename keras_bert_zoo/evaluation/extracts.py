"""Which sentences make a summary, and how near they come to one that somebody wrote."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from rouge_score import rouge_scorer, tokenizers

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
# Chinese characters and Japanese kana, which no space separates.
WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_WORD = re.compile(rf"[{WIDE}]|[^\W_{WIDE}]+")
# ROUGE's option -m; a stemmer takes its time.
_stemmed = functools.lru_cache(1 << 16)(tokenizers.DefaultTokenizer(use_stemmer=True).tokenize)


def words(text: str) -> list[str]:
    """What ROUGE counts: words in lower case without their endings, or single characters.

    ASCII is cut and stemmed by ``rouge-score``; that library deletes all other characters, and with
    them every Chinese text. Here a Chinese character and a Japanese kana are a word each, and words
    of other scripts stay as they are.
    """
    found = _spelled(text)
    return [part for word in found for part in (_stemmed(word) if word.isascii() else [word])]


def _spelled(text: str) -> list[str]:
    """The same words with their endings."""
    return _WORD.findall(text.lower())


class _Words(tokenizers.Tokenizer):
    """``words``, as ``rouge-score`` wants a tokenizer to be."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def rouge(extracts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """The means of ``each_rouge``."""
    return {kind: float(each.mean()) for kind, each in each_rouge(extracts, references).items()}


def each_rouge(extracts: Sequence[str], references: Sequence[str]) -> dict[str, np.ndarray]:
    """F1 of ROUGE-1, -2 and -L (Lin 2004), from 0 to 1, by ``rouge-score``: ``(N,)`` by name.

    ``rougeL`` takes a text as one sequence, ``rougeLsum`` each of its lines: what papers call
    ROUGE-L.

    Args:
        extracts: N summaries, a sentence a line.
        references: N summaries by people.
    """
    scorer = rouge_scorer.RougeScorer(TYPES, tokenizer=_Words())
    pairs = zip(references, extracts, strict=True)
    found = [scorer.score(reference, extract) for reference, extract in pairs]
    return {kind: np.array([each[kind].fmeasure for each in found]) for kind in TYPES}


def select(
    scores: np.ndarray,
    sentences: Sequence[str],
    *,
    most: int,
    threshold: float = 0.0,
    block: int = 3,
) -> list[int]:
    """Takes the best sentences that do not repeat each other.

    Liu and Lapata 2019 (arXiv:1908.08345), section 4.2: a sentence that shares three successive
    words with one that was taken is left out. As in their program words keep their endings.

    Args:
        scores: a number for each sentence, ``(N,)``.
        sentences: N texts.
        most: sentences to take.
        threshold: the least number to be taken.
        block: words that no two sentences may share in a row; 0 lets all of them through.

    Returns:
        Their indices, in the order of the text.
    """
    chosen: list[int] = []
    seen: set[tuple[str, ...]] = set()
    for index in np.argsort(-scores, kind="stable").tolist():
        if len(chosen) == most or scores[index] < threshold:
            break
        runs = set(_ngrams(_spelled(sentences[index]), block)) if block else set()
        if not runs & seen:
            chosen.append(index)
            seen |= runs
    return sorted(chosen)


def oracle(sentences: Sequence[str], reference: str, most: int) -> list[int]:
    """The sentences that come nearest to a summary, found greedily.

    Nallapati et al. 2017 (arXiv:1611.04230): each sentence that is taken adds most to
    the sum of ROUGE-1 and ROUGE-2 (F1), and none is taken that adds nothing. Runs of words do not
    cross the end of a sentence.

    Args:
        sentences: N texts.
        reference: the summary.
        most: sentences to take.

    Returns:
        Their indices, in the order of the text.
    """
    tokens, wanted = [words(sentence) for sentence in sentences], words(reference)
    overlaps = [_Overlap(tokens, wanted, size) for size in (1, 2)]
    chosen: list[int] = []
    reached = 0.0
    while len(chosen) < most:
        sums = overlaps[0].f1() + overlaps[1].f1()
        sums[chosen] = 0.0
        best = int(sums.argmax())
        if sums[best] <= reached:
            break
        reached = sums[best]
        chosen.append(best)
        for each in overlaps:
            each.take(best)
    return sorted(chosen)


class _Overlap:
    """Runs of ``size`` words that sentences share with a reference, and with what was taken.

    Args:
        sentences: words of each.
        reference: words of the summary.
        size: of the runs.
    """

    def __init__(self, sentences: Sequence[Sequence[str]], reference: list[str], size: int) -> None:
        runs = Counter(_ngrams(reference, size))
        number = {run: index for index, run in enumerate(runs)}
        shared = [
            (row, number[run], count)
            for row, tokens in enumerate(sentences)
            for run, count in Counter(_ngrams(tokens, size)).items()
            if run in number
        ]
        self.owners, self.runs, self.counts = np.array(shared, int).reshape(-1, 3).T
        self.wanted = np.array(list(runs.values()), int)
        self.held = np.zeros_like(self.wanted)
        self.lengths = np.array([max(len(tokens) - size + 1, 0) for tokens in sentences])
        self.length = 0

    def f1(self) -> np.ndarray:
        """F1 of what was taken with each sentence added to it, ``(sentences,)``."""
        hits = np.minimum(self.held, self.wanted)
        after = np.minimum(self.held[self.runs] + self.counts, self.wanted[self.runs])
        added = np.bincount(self.owners, after - hits[self.runs], minlength=len(self.lengths))
        total = self.length + self.lengths + self.wanted.sum()
        return 2.0 * (hits.sum() + added) / np.maximum(total, 1)

    def take(self, sentence: int) -> None:
        """Adds a sentence to what was taken."""
        mine = self.owners == sentence
        self.held[self.runs[mine]] += self.counts[mine]
        self.length += int(self.lengths[sentence])


def _ngrams(tokens: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1)]
