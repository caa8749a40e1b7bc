"""95 % confidence intervals of scores, and of what an artifact loses against Keras.

Both models answer the same texts, so the drop is judged text by text: two models of 80 % that
differ on three texts of a thousand are nearer than two independent samples would say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.stats

CONFIDENCE = 0.95
_RESAMPLES = 2000
# Two points correlate perfectly, whatever they are; of fewer than these draws tell little.
_FEWEST = 10

Interval = tuple[float, float]


def proportion(right: np.ndarray) -> Interval:
    """Of a share of right answers, by ``right`` ``(N,)`` of booleans.

    Wilson's score interval (E. B. Wilson 1927, "Probable inference, the law of succession, and
    statistical inference").
    """
    test = scipy.stats.binomtest(int(right.sum()), len(right))
    found = test.proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def lost_proportion(before: np.ndarray, after: np.ndarray) -> Interval:
    """Of the share lost from ``before`` to ``after``, both ``(N,)`` of booleans.

    Half a text is added to each of the four kinds (right before and after, ...), so that
    models that differ nowhere have an interval too (A. Agresti and Y. Min 2005, "Simple
    improved confidence intervals for comparing matched proportions", section 3).
    """
    count = len(before) + 2
    lost, won = ((x & ~y).sum() + 0.5 for x, y in ((before, after), (after, before)))
    drop = (lost - won) / count
    error = np.sqrt((lost + won) / count - drop**2) / np.sqrt(count)
    half = scipy.stats.norm.ppf((1 + CONFIDENCE) / 2) * error
    return float(drop - half), float(drop + half)


def correlation(labels: np.ndarray, values: np.ndarray) -> Interval:
    """Of Pearson's correlation; labels and values are ``(N, outputs)``."""
    return _resampled(lambda rows: _pearson(labels[rows], values[rows]), len(labels))


def lost_correlation(labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> Interval:
    """Of what the correlation lost from ``before`` to ``after``, ``(N, outputs)`` as the labels."""

    def lost(rows: np.ndarray) -> float:
        return _pearson(labels[rows], before[rows]) - _pearson(labels[rows], after[rows])

    return _resampled(lost, len(labels))


def spearman(pairs: np.ndarray) -> float:
    """Spearman's correlation of two numbers of each example, ``(N, 2)``; NaN of equal ones.

    It is Pearson's of the ranks, of which equal numbers share one.
    """
    with np.errstate(invalid="ignore"):
        return _pearson(*np.split(scipy.stats.rankdata(pairs, axis=0), 2, axis=1))


def rank_correlation(pairs: np.ndarray) -> Interval:
    """Of ``spearman``."""
    return _resampled(lambda rows: spearman(pairs[rows]), len(pairs))


def lost_rank_correlation(before: np.ndarray, after: np.ndarray) -> Interval:
    """Of what that lost from ``before`` to ``after``, both ``(N, 2)`` of the same examples."""
    return _resampled(lambda rows: spearman(before[rows]) - spearman(after[rows]), len(before))


def ratio(parts: np.ndarray) -> Interval:
    """Of the sum of numerators by that of denominators, ``parts`` ``(N, 2)`` of each example.

    Two right examples and two wrong ones of mean size are added, so that what is always right has
    an interval too (A. Agresti and B. A. Coull 1998, "Approximate is better than 'exact' for
    interval estimation of binomial proportions", section 2: the same for shares).
    """
    added = [(1, 1), (1, 1), (0, 1), (0, 1)]
    return _with_added(lambda part, whole: part / whole, parts, added)


def lost_ratio(before: np.ndarray, after: np.ndarray) -> Interval:
    """Of what such a ratio lost from ``before`` to ``after``, both ``(N, 2)``.

    Half an example of mean size is added to each of the four kinds, as in ``lost_proportion``.
    """

    def lost(part: float, whole: float, later_part: float, later_whole: float) -> float:
        return part / whole - later_part / later_whole

    added = [(1, 1, 1, 1), (1, 1, 0, 1), (0, 1, 1, 1), (0, 1, 0, 1)]
    return _with_added(lost, np.hstack([before, after]), added, weight=2)


def _with_added(
    score: Callable[..., float],
    parts: np.ndarray,
    added: Sequence[tuple[int, ...]],
    weight: int = 1,
) -> Interval:
    """Resamples examples, of which those that are added count one ``weight``-th."""
    size = parts[:, 1::2].mean()
    table = np.concatenate([*[parts] * weight, size * np.array(added)])
    return _resampled(lambda rows: score(*table[rows].sum(axis=0)), len(parts), len(added), weight)


def _pearson(labels: np.ndarray, values: np.ndarray) -> float:
    labels, values = labels - labels.mean(axis=0), values - values.mean(axis=0)
    norms = np.sqrt(np.square(labels).sum(axis=0) * np.square(values).sum(axis=0))
    return float(((labels * values).sum(axis=0) / norms).mean())


def _resampled(
    score: Callable[[np.ndarray], float], count: int, added: int = 0, weight: int = 1
) -> Interval:
    """Percentiles over rows drawn with replacement (the bootstrap); NaN where it has none.

    Args:
        score: of some rows.
        count: of the texts.
        added: rows behind those of the texts.
        weight: how many rows each text has.
    """
    rows = weight * count + added
    if count < _FEWEST:
        return float("nan"), float("nan")
    random = np.random.default_rng(0)
    with np.errstate(invalid="ignore"):  # a draw of one text again and again, or of empty ones
        scores = [score(random.integers(0, rows, rows // weight)) for _ in range(_RESAMPLES)]
    found = [value for value in scores if np.isfinite(value)]
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(found, [tail, 100 - tail]) if found else (np.nan, np.nan)
    return float(low), float(high)
