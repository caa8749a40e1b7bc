"""The loss of a model that writes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.models.class_losses import LabelLoss
from keras_bert_zoo.models.cross_entropy import cross_entropy


@keras.saving.register_keras_serializable("keras_bert_zoo")
class WordLoss(LabelLoss):
    """Cross-entropy of the token that follows at each place, smoothed.

    The value of ``SingleLabelLoss(label_smoothing=)``, without numbers as wide as the vocabulary
    for what is wanted (Vaswani et al. 2017, arXiv:1706.03762, section 5.4, where the part is 0.1).

    Args:
        label_smoothing: what part of a label is spread over all tokens.
    """

    def __init__(self, label_smoothing: float = 0.0, *, name: str = "word_loss") -> None:
        super().__init__(name)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each place, int ``(…)`` and ``(…, V)`` to ``(…)``; 0 where ``IGNORED``."""
        logits = ops.convert_to_tensor(y_pred)
        counted = ops.not_equal(y_true, IGNORED)
        labels = ops.where(counted, ops.cast(y_true, "int32"), 0)
        losses = cross_entropy(labels, logits)
        if self.label_smoothing:
            # The mean of -log p over all tokens is that of the label, and the label's lead.
            wanted = ops.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
            lead = wanted - ops.mean(logits, axis=-1)
            losses = losses + self.label_smoothing * lead
        return ops.where(counted, losses, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"label_smoothing": self.label_smoothing, "name": self.name}
