"""Scores of predictions, computed by scikit-learn and SciPy."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.special
import scipy.stats
from sklearn import metrics


def score(problem_type: str, labels: Any, logits: np.ndarray) -> dict[str, float]:
    """Compares logits with labels.

    Args:
        problem_type: one of ``config.PROBLEM_TYPES``.
        labels: N rows, as ``data.labels.encode_labels`` makes them.
        logits: ``(N, num_labels)``.

    Returns:
        Scores by name. One class: ``accuracy``, ``f1_macro``, ``f1_micro``, ``matthews``.
        Multi-label: ``accuracy`` (of single decisions), ``exact_match``, ``f1_macro``,
        ``f1_micro``. Regression: ``mean_squared_error``, ``pearson``, ``spearman`` (means
        over the outputs; NaN where an output or its labels are constant).

    Raises:
        ValueError: the problem type is unknown, or there are no rows.
    """
    if problem_type not in SCORES:
        raise ValueError(f"problem_type must be one of {sorted(SCORES)}, received {problem_type!r}")
    if len(labels) == 0 or len(labels) != len(logits):
        raise ValueError(
            f"score needs as many labels as logits and at least one, received {len(labels)} "
            f"and {len(logits)}."
        )
    values = SCORES[problem_type](np.asarray(labels), np.asarray(logits, "float64"))
    return {name: float(value) for name, value in values.items()}


def without_nan(value: Any) -> Any:
    """Nested scores with ``None`` for NaN and infinity, which JSON lacks."""
    if isinstance(value, dict):
        return {name: without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def scores_json(values: Any) -> str:
    """Scores as JSON, see ``without_nan``."""
    return json.dumps(without_nan(values), indent=2, allow_nan=False) + "\n"


def probabilities(problem_type: str, logits: np.ndarray) -> np.ndarray:
    """What logits mean: a softmax, sigmoids, or for a regression themselves."""
    logits = np.asarray(logits, "float64")
    if problem_type == "regression":
        return logits
    if problem_type == "multi_label_classification":
        return 1.0 / (1.0 + np.exp(-logits))
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def mean_logits(problem_type: str, logits: Sequence[np.ndarray]) -> np.ndarray:
    """The logits of an ensemble: they mean the average of what those of its members mean.

    Args:
        problem_type: one of ``config.PROBLEM_TYPES``.
        logits: of each member, of one shape.
    """
    mean = np.mean([probabilities(problem_type, each) for each in logits], axis=0)
    return _INVERSES[problem_type](mean)


def _single_label(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    predicted = logits.argmax(axis=-1)
    # Of one class alone scikit-learn warns, and answers 0.
    several = len({*labels.tolist(), *predicted.tolist()}) > 1
    return {
        "accuracy": metrics.accuracy_score(labels, predicted),
        **_f1(labels, predicted),
        "matthews": metrics.matthews_corrcoef(labels, predicted) if several else 0.0,
    }


def _multi_label(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    labels, predicted = labels.astype(int), (logits > 0).astype(int)
    return {
        "accuracy": float((labels == predicted).mean()),
        "exact_match": metrics.accuracy_score(labels, predicted),
        **_f1(labels, predicted),
    }


def _regression(labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    labels = labels.reshape(logits.shape)
    columns = list(zip(labels.T, logits.T, strict=True))
    return {
        "mean_squared_error": metrics.mean_squared_error(labels, logits),
        "pearson": _correlation(scipy.stats.pearsonr, columns),
        "spearman": _correlation(scipy.stats.spearmanr, columns),
    }


def _f1(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    averages = ("macro", "micro")
    return {
        f"f1_{average}": metrics.f1_score(labels, predicted, average=average, zero_division=0.0)
        for average in averages
    }


def _correlation(
    statistic: Callable[..., tuple[float, float]], columns: list[tuple[np.ndarray, np.ndarray]]
) -> float:
    # SciPy warns and answers NaN for a constant column, and refuses a single row.
    if any(len(set(x)) < 2 or len(set(y)) < 2 for x, y in columns):
        return float("nan")
    return float(np.mean([statistic(x, y)[0] for x, y in columns]))


_TINY = np.finfo("float64").tiny
# From probabilities back to logits.
_INVERSES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "single_label_classification": lambda mean: np.log(np.maximum(mean, _TINY)),
    "multi_label_classification": lambda mean: scipy.special.logit(np.clip(mean, _TINY, 1 - 1e-16)),
    "regression": lambda mean: mean,
}
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], dict[str, float]]] = {
    "single_label_classification": _single_label,
    "multi_label_classification": _multi_label,
    "regression": _regression,
}
