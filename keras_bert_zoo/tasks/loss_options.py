"""How classes are learned: smoothed, weighted, focused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.rules import (
    NOT_NEGATIVE,
    PART,
    POSITIVE,
    Rule,
    check_options,
    choice,
    either,
    or_none,
)

BALANCED = "balanced"
_WEIGHTS = Rule(
    "positive numbers by class name",
    lambda value: isinstance(value, Mapping) and all(map(POSITIVE.holds, value.values())),
)
LOSS_RULES = {
    "label_smoothing": PART,
    "class_weights": or_none(either(choice(BALANCED), _WEIGHTS)),
    "focal_gamma": NOT_NEGATIVE,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossOptions:
    """Options of the loss; the formulas are those of ``models.class_losses``.

    Args:
        label_smoothing: what part of a label is spread over all classes, e.g. 0.1.
        class_weights: how much classes count, by name, 1 for those without; or
            ``"balanced"``, of the training labels: as scikit-learn computes it; of several
            labels a text, how many more lack a class than have it.
        focal_gamma: how much less what is nearly right counts, e.g. 2.

    Raises:
        ValueError: a value is out of range; all are named.
    """

    label_smoothing: float = 0.0
    class_weights: str | Mapping[str, float] | None = None
    focal_gamma: float = 0.0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, LOSS_RULES)

    def given(self) -> dict[str, Any]:
        """The options of the loss that are not the default."""
        fields = dataclasses.fields(LossOptions)
        values = {field.name: getattr(self, field.name) for field in fields}
        return {name: value for name, value in values.items() if value}

    def of_model(self, names: Sequence[str], labels: np.ndarray) -> dict[str, Any]:
        """``loss_options`` of a model.

        Args:
            names: of the classes, in order.
            labels: of the training: int ``(N,)``, of which ``IGNORED`` are none, or 0 and 1
                ``(N, classes)``.

        Raises:
            ValueError: weights are for other classes.
        """
        options = self.given()
        if self.class_weights == BALANCED:
            options["class_weights"] = _balanced(len(names), labels).tolist()
        elif isinstance(self.class_weights, Mapping):
            unknown = sorted(set(self.class_weights) - set(names))
            if unknown:
                raise ValueError(f"class_weights are for {unknown}; the classes are {list(names)}.")
            options["class_weights"] = [float(self.class_weights.get(n, 1.0)) for n in names]
        return options


def _balanced(classes: int, labels: np.ndarray) -> np.ndarray:
    """Weights ``(classes,)``; 1 where a class has all examples or none."""
    if labels.ndim == 1:
        counts = np.bincount(labels[labels != IGNORED], minlength=classes)
        wanted = counts.sum() / np.count_nonzero(counts)
    else:
        counts = (labels > 0).sum(axis=0)
        wanted = len(labels) - counts
    return np.where((counts > 0) & (wanted > 0), wanted / np.maximum(counts, 1), 1.0)
