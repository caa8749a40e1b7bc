"""What the outputs of a model say, and how right they are. NumPy only.

``verify`` compares artifacts by these functions, which share no code with the graphs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.config import EncoderConfig

from .errors import ExportError


@dataclasses.dataclass(frozen=True)
class Problem:
    """What logits ``(N, C)`` mean.

    Args:
        score: logits to what a client is told, ``(N, C)``.
        decide: logits to decisions, ``(N,)`` or ``(N, C)``.
        encode: the user's labels and the class names to decisions.
        metric: name of the figure of merit.
        rate: decisions and encoded labels to the metric.
        is_decision: whether two models can decide alike; numbers only come close.
    """

    score: Callable[[np.ndarray], np.ndarray]
    decide: Callable[[np.ndarray], np.ndarray]
    encode: Callable[[Sequence[Any], tuple[str, ...]], np.ndarray]
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


def _class_indices(labels: Sequence[Any], names: tuple[str, ...]) -> np.ndarray:
    index = {**{name: i for i, name in enumerate(names)}, **{i: i for i in range(len(names))}}
    unknown = sorted({str(label) for label in labels if label not in index})
    if unknown:
        raise ExportError(f"labels must be of {list(names)}, received {unknown[:5]} as well.")
    return np.array([index[label] for label in labels])


def _class_masks(labels: Sequence[Any], names: tuple[str, ...]) -> np.ndarray:
    masks = np.zeros((len(labels), len(names)), bool)
    for row, several in enumerate(labels):
        masks[row, _class_indices(list(several), names)] = True
    return masks


def _numbers(labels: Sequence[Any], names: tuple[str, ...]) -> np.ndarray:
    return np.asarray(labels, "float32").reshape(len(labels), len(names))


def _mean_absolute_error(values: np.ndarray, targets: np.ndarray) -> float:
    return float(np.abs(values - targets).mean())


PROBLEMS: dict[str, Problem] = {
    "single_label_classification": Problem(
        softmax, lambda logits: logits.argmax(axis=-1), _class_indices, "accuracy", agreement
    ),
    "multi_label_classification": Problem(
        sigmoid, lambda logits: logits > 0, _class_masks, "exact match", agreement
    ),
    "regression": Problem(
        lambda logits: logits,
        lambda logits: logits,
        _numbers,
        "MAE",
        _mean_absolute_error,
        is_decision=False,
    ),
}


def problem_of(config: EncoderConfig) -> Problem | None:
    """The problem of a bundle, or ``None`` for a bare encoder."""
    return PROBLEMS[config.problem_type] if config.problem_type and config.labels else None
