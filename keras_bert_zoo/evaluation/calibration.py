"""How sure a classifier is, and how often it is right; one number that brings both together.

Guo et al. 2017 (arXiv:1706.04599). Of several labels a text, each is a decision of its own.
``N`` texts, ``C`` classes, ``M`` decisions: N, or for several labels N times C.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

from keras_bert_zoo.evaluation.classification import probabilities

BINS = 15  # as in the paper's tables
_LARGEST = 100.0


class Reliability(NamedTuple):
    """Decisions in bins, by how sure they are: arrays, one number for each bin that has some.

    Args:
        confidence: mean probability of what was decided.
        accuracy: share that is right.
        share: part of all decisions.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    share: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, equation 3 of the paper."""
        return float(np.sum(self.share * np.abs(self.accuracy - self.confidence)))


def fit_temperature(problem_type: str, labels: np.ndarray, logits: np.ndarray) -> float:
    """The number that logits are to be divided by for the least negative log-likelihood.

    Section 4.2 of the paper. Decisions stay what they are.

    Args:
        problem_type: ``"single_label_classification"`` or ``"multi_label_classification"``.
        labels: of N texts that the model was not trained on, as ``encode_labels`` makes them.
        logits: ``(N, C)``.

    Raises:
        ValueError: there are no classes or no texts, or no temperature from 0.01 to 100 is the
            best one, as where all answers are right.
    """
    loss = _kind(problem_type).loss
    if not len(labels):
        raise ValueError("A temperature needs labelled texts, received none.")

    def after(log_temperature: float) -> float:
        return loss(labels, logits / math.exp(log_temperature))

    limit = math.log(_LARGEST)
    logits = np.asarray(logits, "float64")
    found = minimize_scalar(after, bounds=(-limit, limit), method="bounded")
    if found.fun >= min(after(-limit), after(limit)):
        raise ValueError(
            f"The best temperature of these {len(labels)} texts is beyond {1 / _LARGEST:g} to "
            f"{_LARGEST:g}: all answers are right, or have nothing to do with the labels. Take "
            "more texts, which the model was not trained on."
        )
    return math.exp(found.x)


def calibration_scores(
    problem_type: str, labels: np.ndarray, logits: np.ndarray
) -> dict[str, float]:
    """Scores of probabilities; less is better.

    The arguments are those of ``fit_temperature``, the logits as they become probabilities.

    Returns:
        ``nll``, the mean negative log-likelihood of a decision; ``brier``, the mean squared
        error of its probabilities, summed over classes (Brier 1950); ``ece`` and
        ``ece_adaptive``, see ``reliability``.
    """
    kind = _kind(problem_type)
    chances = probabilities(problem_type, logits)
    return {
        "nll": kind.loss(labels, np.asarray(logits, "float64")),
        "brier": kind.brier(labels, chances),
        "ece": reliability(problem_type, labels, logits).error,
        "ece_adaptive": reliability(problem_type, labels, logits, adaptive=True).error,
    }


def reliability(
    problem_type: str,
    labels: np.ndarray,
    logits: np.ndarray,
    *,
    bins: int = BINS,
    adaptive: bool = False,
) -> Reliability:
    """Puts decisions into bins of equal width, or ``adaptive`` of equally many decisions.

    The arguments are those of ``calibration_scores``.
    """
    confidence, right = _kind(problem_type).decisions(labels, probabilities(problem_type, logits))
    if adaptive:
        ranks = np.argsort(np.argsort(confidence, kind="stable"))
        place = ranks * bins // len(ranks)
    else:
        place = np.ceil(confidence * bins).astype(int) - 1  # open to the left
    counts = np.bincount(place, minlength=bins)
    used = counts > 0

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values, minlength=bins)[used] / counts[used]

    return Reliability(mean(confidence), mean(right), counts[used] / len(place))


class _Kind(NamedTuple):
    """How labels and probabilities of a problem type are compared."""

    loss: Callable[[np.ndarray, np.ndarray], float]
    brier: Callable[[np.ndarray, np.ndarray], float]
    decisions: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def _single_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    return -float(log_softmax(logits, axis=-1)[np.arange(len(labels)), labels].mean())


def _multi_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    return -float(np.mean(labels * log_expit(logits) + (1 - labels) * log_expit(-logits)))


def _single_decisions(labels: np.ndarray, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return chances.max(axis=-1), chances.argmax(axis=-1) == labels


def _multi_decisions(labels: np.ndarray, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chances, labels = chances.ravel(), labels.ravel() > 0
    return np.maximum(chances, 1 - chances), (chances > 0.5) == labels


_KINDS: Mapping[str, _Kind] = {
    "single_label_classification": _Kind(
        _single_loss,
        lambda labels, p: float(np.sum((p - np.eye(p.shape[1])[labels]) ** 2) / len(p)),
        _single_decisions,
    ),
    "multi_label_classification": _Kind(
        _multi_loss,
        lambda labels, p: 2 * float(np.mean((p - labels) ** 2)),  # yes and no
        _multi_decisions,
    ),
}


def _kind(problem_type: str) -> _Kind:
    if problem_type not in _KINDS:
        raise ValueError(
            f"Probabilities are of {sorted(_KINDS)}, received {problem_type!r}, which has none."
        )
    return _KINDS[problem_type]
