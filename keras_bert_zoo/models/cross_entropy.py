"""The loss of a model that predicts words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import gradients


@keras.saving.register_keras_serializable("keras_bert_zoo")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy of integer labels ``(...)`` and float logits ``(..., classes)``.

    The value of ``keras.losses.SparseCategoricalCrossentropy(from_logits=True)``, whose
    TensorFlow kernel runs on one core.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each label, ``(...)``."""
        return cross_entropy(y_true, y_pred)


def cross_entropy(labels: Any, logits: Any) -> Any:
    """The loss of each label: integers ``(...)`` and ``(..., classes)`` to ``(...)``."""
    rows = ops.reshape(ops.cast(labels, "int32"), (-1,))
    losses = gradients.cross_entropy(rows, ops.reshape(logits, (-1, logits.shape[-1])))
    return ops.reshape(losses, ops.shape(labels))
