"""The metric of a model on labelled texts, and what it loses against Keras. NumPy and SciPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.evaluation.classification import score

from ..scoring import Problem, problem_of
from .intervals import (
    Interval,
    correlation,
    lost_correlation,
    lost_proportion,
    lost_rank_correlation,
    lost_ratio,
    proportion,
    rank_correlation,
    ratio,
    spearman,
)


class Scores(NamedTuple):
    """The fields of a report's row that need labels.

    Attributes:
        metric: figure of merit, more is better.
        metric_interval: its 95 % confidence interval.
        drop: what it lost against Keras.
        drop_interval: the 95 % confidence interval of that, text by text.
    """

    metric: float
    metric_interval: Interval | None
    drop: float | None = None
    drop_interval: Interval | None = None


# A task's metric, and of each question what it is the ratio of, ``None`` if it is no ratio.
Judged = tuple[float, np.ndarray | None]


def scores_between(ours: Judged, keras: Judged | None = None, whole: float = 1.0) -> Scores:
    """What a task's own scores say.

    Args:
        ours: of the model that is judged.
        keras: of the Keras model; ``None`` when that is the one judged.
        whole: the highest metric there can be, of which what was lost is a part.
    """
    metric, parts = ours
    found = Scores(metric, None if parts is None else ratio(parts))
    if keras is None:
        return found
    before, parts_before = keras
    found = found._replace(drop=(before - metric) / whole)
    if parts is None or parts_before is None:
        return found
    return found._replace(drop_interval=lost_ratio(parts_before, parts))


def scores_of_similarities(ours: np.ndarray, keras: np.ndarray | None = None) -> Scores:
    """Spearman's correlation of cosines with labels, both of each pair, ``(N, 2)``.

    Args:
        ours: of the model that is judged.
        keras: of the Keras model; ``None`` when that is the one judged.
    """
    found = Scores(spearman(ours), rank_correlation(ours))
    if keras is None:
        return found
    drop = spearman(keras) - found.metric
    return found._replace(drop=drop, drop_interval=lost_rank_correlation(keras, ours))


def scores_of(
    config: EncoderConfig,
    labels: np.ndarray,
    logits: np.ndarray,
    keras: np.ndarray | None = None,
) -> Scores:
    """Judges logits ``(N, C)``.

    Args:
        config: of the bundle, which has a problem type.
        labels: N rows as ``data.labels.encode_labels`` makes them.
        logits: of the model that is judged.
        keras: of the Keras model, for the same texts; ``None`` when that is the one judged.
    """
    problem = problem_of(config)
    assert problem is not None
    kind = str(config.problem_type)
    metric = score(kind, labels, logits)[problem.metric]
    interval = _interval(problem, labels, logits)
    if keras is None:
        return Scores(metric, interval)
    drop = score(kind, labels, keras)[problem.metric] - metric
    return Scores(metric, interval, drop, _lost(problem, labels, keras, logits))


def _interval(problem: Problem, labels: np.ndarray, logits: np.ndarray) -> Interval:
    if problem.decide is None:
        return correlation(labels.reshape(logits.shape), logits)
    return proportion(_right(problem, labels, logits))


def _lost(problem: Problem, labels: np.ndarray, keras: np.ndarray, logits: np.ndarray) -> Interval:
    if problem.decide is None:
        return lost_correlation(labels.reshape(logits.shape), keras, logits)
    return lost_proportion(*(_right(problem, labels, values) for values in (keras, logits)))


def _right(problem: Problem, labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Of which texts ``(N,)`` every decision is right."""
    assert problem.decide is not None
    right = problem.decide(logits) == labels
    return right.reshape(len(right), -1).all(axis=1)
