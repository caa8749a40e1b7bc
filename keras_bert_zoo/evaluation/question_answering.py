"""Exact match and F1 as the scripts of SQuAD 1.1 and 2.0 compute them.

Rajpurkar et al. 2016 (section 6.1) and 2018 (section 5).
"""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Sequence

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_KINDS = ("has_answer", "no_answer")


def normalized(text: str) -> str:
    """Lower case, without punctuation, English articles and superfluous white space."""
    bare = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, gold: str) -> float:
    """1 for texts that are the same but for what ``normalized`` removes, or 0."""
    return float(normalized(prediction) == normalized(gold))


def f1(prediction: str, gold: str, *, of_nothing: bool = False) -> float:
    """Harmonic mean of precision and recall of the words.

    Args:
        prediction: an answer.
        gold: a right one.
        of_nothing: whether two texts without words agree: in SQuAD 2.0 they do.
    """
    words, right = (normalized(text).split() for text in (prediction, gold))
    if of_nothing and not (words and right):
        return float(words == right)
    shared = (collections.Counter(words) & collections.Counter(right)).total()
    return 2.0 * shared / (len(words) + len(right)) if shared else 0.0


def each_score(
    predictions: Sequence[str], golds: Sequence[Sequence[str]], *, with_impossible: bool
) -> np.ndarray:
    """Exact match and F1 of each answer with the right one that is nearest.

    Args:
        predictions: N answers, empty for none.
        golds: for each the right answers; none where there is none.
        with_impossible: score as SQuAD 2.0 does. Otherwise nothing is right where there is no
            answer.

    Returns:
        float64 ``(N, 2)``.
    """
    scores = np.zeros((len(predictions), 2))
    for row, prediction, right in zip(scores, predictions, golds, strict=True):
        if with_impossible:
            right = [text for text in right if normalized(text)] or [""]
        row[0] = max((exact_match(prediction, text) for text in right), default=0.0)
        agreement = (f1(prediction, text, of_nothing=with_impossible) for text in right)
        row[1] = max(agreement, default=0.0)
    return scores


def each_given(
    best: Sequence[str],
    margins: np.ndarray,
    golds: Sequence[Sequence[str]],
    *,
    with_impossible: bool,
    null_threshold: float = 0.0,
) -> np.ndarray:
    """``each_score`` of what is given: the best answer, or none above the threshold.

    The arguments are those of ``score``.
    """
    answers = each_score(best, golds, with_impossible=with_impossible)
    if not with_impossible:
        return answers
    return _given(answers, _silence(golds), margins, null_threshold)


def _silence(golds: Sequence[Sequence[str]]) -> np.ndarray:
    """Exact match and F1 of giving no answer, ``(N, 2)``."""
    impossible = np.array([not any(map(normalized, right)) for right in golds], "float64")
    return np.repeat(impossible[:, None], 2, axis=1)


def _given(
    answers: np.ndarray, silence: np.ndarray, margins: np.ndarray, null_threshold: float
) -> np.ndarray:
    return np.where(margins[:, None] > null_threshold, silence, answers)


def score(
    best: Sequence[str],
    margins: np.ndarray,
    golds: Sequence[Sequence[str]],
    *,
    with_impossible: bool,
    null_threshold: float = 0.0,
) -> dict[str, float]:
    """Scores answers.

    Args:
        best: the best answer to each of N questions, whether or not it is given.
        margins: the score of giving none, less that of the answer, ``(N,)``.
        golds: the right answers to each question; none where there is none.
        with_impossible: whether there are such questions.
        null_threshold: above it no answer is given.

    Returns:
        ``exact_match`` and ``f1``, from 0 to 1. With impossible questions also both for
        those with and without an answer (``has_answer_f1``, …; left out where there are
        none), and the best of each over all thresholds: ``best_f1``,
        ``best_f1_threshold``, ``best_exact_match``, ``best_exact_match_threshold``.

    Raises:
        ValueError: there are no questions.
    """
    if not len(best):
        raise ValueError("score needs at least one question.")
    answers = each_score(best, golds, with_impossible=with_impossible)
    if not with_impossible:
        return _means(answers)
    silence = _silence(golds)
    impossible = silence[:, 0] == 1
    given = _given(answers, silence, margins, null_threshold)
    scores = _means(given)
    for kind, members in zip(_KINDS, (~impossible, impossible), strict=True):
        if members.any():
            scores |= _means(given[members], f"{kind}_")
    for column, name in enumerate(("exact_match", "f1")):
        value, threshold = best_threshold(answers[:, column], silence[:, column], margins)
        scores |= {f"best_{name}": value, f"best_{name}_threshold": threshold}
    return scores


def _means(scores: np.ndarray, prefix: str = "") -> dict[str, float]:
    exact, overlap = scores.mean(axis=0).tolist()
    return {f"{prefix}exact_match": exact, f"{prefix}f1": overlap}


def best_threshold(
    answers: np.ndarray, silence: np.ndarray, margins: np.ndarray
) -> tuple[float, float]:
    """The ``null_threshold`` with the best mean score, and that score.

    Every difference that occurs is tried. Where it is best to answer nothing the threshold is
    below all of them; SQuAD's script says 0 then, which is so for probabilities.

    Args:
        answers: score of the answer to each question, ``(N,)``.
        silence: score of giving none, ``(N,)``.
        margins: the score of giving none, less that of the answer, ``(N,)``.
    """
    thresholds, sums = _by_threshold(answers, silence, margins)
    best = int(sums.argmax())
    return float(sums[best] / len(answers)), float(thresholds[best])


def middle_threshold(
    best: Sequence[str], margins: np.ndarray, golds: Sequence[Sequence[str]]
) -> float:
    """The ``null_threshold`` in the middle of those that have the best F1.

    ``best_threshold`` is the lowest of them: what was just answered there, and a question that is
    a little less sure would not be.

    The arguments are those of ``score``.
    """
    answers = each_score(best, golds, with_impossible=True)[:, 1]
    thresholds, sums = _by_threshold(answers, _silence(golds)[:, 1], margins)
    first = int(sums.argmax())
    worse = np.flatnonzero(sums[first:] < sums[first])
    after = first + int(worse[0]) if len(worse) else -1
    return float((thresholds[first] + thresholds[after]) / 2)


def _by_threshold(
    answers: np.ndarray, silence: np.ndarray, margins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds from below all differences up to the largest, and the sum of scores at each."""
    order = np.argsort(margins, kind="stable")
    ordered = margins[order]
    totals = silence.sum() + np.cumsum((answers - silence)[order])
    # Questions of one difference are answered together.
    possible = np.isfinite(ordered) & np.append(ordered[1:] != ordered[:-1], True)
    thresholds = ordered[possible]
    sums = np.append(silence.sum(), totals[possible])
    thresholds = np.append(thresholds[:1] - 1.0 if len(thresholds) else 0.0, thresholds)
    return thresholds, sums
