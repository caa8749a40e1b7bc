"""What the outputs of a model say, and how right they are. NumPy only.

``verify`` compares artifacts by these functions, which share no code with the graphs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_bert_zoo.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class Problem:
    """What logits ``(N, C)`` mean.

    Args:
        score: logits to what a client is told, ``(N, C)``.
        decide: logits to decisions, ``(N,)`` or ``(N, C)``.
        metric: name of the figure of merit.
        rate: decisions and labels, as ``data.labels`` encodes them, to the metric.
        is_decision: whether two models can decide alike; numbers only come close.
    """

    score: Callable[[np.ndarray], np.ndarray]
    decide: Callable[[np.ndarray], np.ndarray]
    metric: str
    rate: Callable[[np.ndarray, np.ndarray], float]
    is_decision: bool = True


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """A probability for each logit."""
    return np.exp(-np.logaddexp(0, -logits))


def mean_of_tokens(inputs: dict[str, np.ndarray], hidden: np.ndarray) -> np.ndarray:
    """One vector per text ``(B, H)``: the mean of the hidden states that are not padding."""
    mask = inputs["attention_mask"][:, :, None].astype("float32")
    return (hidden * mask).sum(axis=1) / mask.sum(axis=1)


def agreement(decisions: np.ndarray, others: np.ndarray) -> float:
    """Share of the texts on which two models decide alike."""
    same = decisions == others
    return float(same.reshape(len(same), -1).all(axis=1).mean())


def _explained(values: np.ndarray, targets: np.ndarray) -> float:
    """Coefficient of determination: like an accuracy, more is better."""
    targets = targets.reshape(values.shape)
    spread = float(np.square(targets - targets.mean(axis=0)).sum())
    return 1.0 - float(np.square(values - targets).sum()) / spread if spread else float("nan")


PROBLEMS: dict[str, Problem] = {
    "single_label_classification": Problem(
        softmax, lambda logits: logits.argmax(axis=-1), "accuracy", agreement
    ),
    "multi_label_classification": Problem(
        sigmoid, lambda logits: logits > 0, "exact match", agreement
    ),
    "regression": Problem(
        lambda logits: logits,
        lambda logits: logits,
        "R²",
        _explained,
        is_decision=False,
    ),
}


def problem_of(config: EncoderConfig) -> Problem | None:
    """The problem of a bundle, or ``None`` for a bare encoder."""
    return PROBLEMS[config.problem_type] if config.problem_type and config.labels else None
