"""Cross-entropy of classes: weighted, smoothed, focused on what is still wrong.

``C`` is the number of classes. Labels that are ``IGNORED`` count in no mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import IGNORED

# Weights of 0 count neither above nor below the line.
REDUCTION = "mean_with_sample_weight"
# Below it a power of less than 1 has no slope that float32 can hold.
_LEAST = 1e-7


class LabelLoss(keras.losses.Loss):
    """A mean over labels, of which some may count more than others, and some not at all."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, reduction=REDUCTION)

    def weights_of(self, labels: Any) -> Any:
        """How much each label counts in the mean, of the shape of the labels."""
        return ops.cast(ops.not_equal(labels, IGNORED), "float32")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The mean, weighted by both."""
        weights = self.weights_of(ops.convert_to_tensor(y_true))
        if sample_weight is not None:
            given = ops.cast(sample_weight, "float32")
            missing = len(weights.shape) - len(given.shape)
            weights = weights * ops.reshape(given, (*ops.shape(given), *[1] * missing))
        return super().__call__(y_true, y_pred, weights)


class _ClassLoss(LabelLoss):
    """What losses of one class and of several have in common, see those."""

    def __init__(
        self,
        *,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] | None = None,
        focal_gamma: float = 0.0,
        name: str,
    ) -> None:
        super().__init__(name)
        self.label_smoothing = label_smoothing
        self.class_weights = None if class_weights is None else [float(x) for x in class_weights]
        self.focal_gamma = focal_gamma

    def _focused(self, losses: Any, wrong: Any) -> Any:
        """Losses times ``(1 - p) ** gamma``, where ``wrong`` is ``1 - p``."""
        if not self.focal_gamma:
            return losses
        return losses * ops.power(ops.maximum(wrong, _LEAST), self.focal_gamma)

    def _weights(self, like: Any) -> Any:
        return ops.convert_to_tensor(self.class_weights or 1.0, dtype=like.dtype)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        names = ("label_smoothing", "class_weights", "focal_gamma", "name")
        return {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SingleLabelLoss(_ClassLoss):
    """Cross-entropy of one class, ``sum_c w_c q_c (1 - p_c) ** gamma * -log p_c``.

    ``p`` is the softmax of the logits ``(…, C)``; ``q`` is 1 for the label, int ``(…)``, and
    smoothed ``(1 - s) q + s / C`` (Szegedy et al. 2016, arXiv:1512.00567, section 7); the mean
    divides by the sum of the labels' weights. Without gamma it is PyTorch's
    ``CrossEntropyLoss(weight=, label_smoothing=, ignore_index=-100)``; with gamma equation 5 of
    Lin et al. 2017 (arXiv:1708.02002), where ``alpha`` are the weights. A label that is no class
    makes the loss NaN.

    Args:
        label_smoothing: s, from 0.
        class_weights: C positive numbers; 1 by default.
        focal_gamma: from 0, which is no focus.
    """

    def __init__(self, *, name: str = "single_label_loss", **options: Any) -> None:
        super().__init__(name=name, **options)

    def weights_of(self, labels: Any) -> Any:
        """The weight of each label's class; 0 where it is ``IGNORED``."""
        counted = super().weights_of(labels)
        if self.class_weights is None:
            return counted
        classes = ops.convert_to_tensor(self.class_weights, dtype="float32")
        chosen = ops.clip(ops.cast(labels, "int32"), 0, len(self.class_weights) - 1)
        return counted * ops.take(classes, chosen)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each label, of the shape of the labels, in units of its weight."""
        logits = ops.convert_to_tensor(y_pred)
        # Of answers in a text the classes are its tokens: their number is open in a graph.
        classes = ops.shape(logits)[-1]
        labels = ops.reshape(ops.cast(y_true, "int32"), ops.shape(logits)[:-1])
        wanted = ops.one_hot(labels, classes, dtype=logits.dtype)
        spread = self.label_smoothing / ops.cast(classes, logits.dtype)
        wanted = (1.0 - self.label_smoothing) * wanted + spread
        logs = ops.log_softmax(logits, axis=-1)
        losses = self._focused(-wanted * logs, 1.0 - ops.exp(logs))
        weights = self._weights(logits)
        total = ops.sum(losses * weights, axis=-1)
        if self.class_weights is not None:
            total = total / ops.take(weights, ops.clip(labels, 0, classes - 1))
        known = ops.logical_and(labels >= 0, labels < classes)
        return ops.where(known, total, ops.where(labels == IGNORED, 0.0, float("nan")))


@keras.saving.register_keras_serializable("keras_bert_zoo")
class MultiLabelLoss(_ClassLoss):
    """The mean over classes of the cross-entropy of a yes or no for each.

    Labels are ``(B, C)``, 1 for yes and 0 for no, smoothed to ``(1 - s) y + s / 2``; ``p`` is
    the sigmoid of the logits. Class weights multiply what a yes costs: PyTorch's
    ``BCEWithLogitsLoss(pos_weight=)``. With gamma each decision is focused, equation 5 of Lin
    et al. 2017 (arXiv:1708.02002).

    Args:
        label_smoothing: s, from 0.
        class_weights: C positive numbers; 1 by default.
        focal_gamma: from 0, which is no focus.
    """

    def __init__(self, *, name: str = "multi_label_loss", **options: Any) -> None:
        super().__init__(name=name, **options)

    def weights_of(self, labels: Any) -> Any:
        """1 for each row, ``(B,)``."""
        return ops.ones(ops.shape(labels)[:1], "float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row, ``(B,)``."""
        logits = ops.convert_to_tensor(y_pred)
        labels = ops.reshape(ops.cast(y_true, logits.dtype), ops.shape(logits))
        labels = (1.0 - self.label_smoothing) * labels + self.label_smoothing / 2
        yes = self._focused(-labels * ops.log_sigmoid(logits), ops.sigmoid(-logits))
        no = self._focused((labels - 1.0) * ops.log_sigmoid(-logits), ops.sigmoid(logits))
        return ops.mean(self._weights(logits) * yes + no, axis=-1)
