"""A class for each token: names, parts of speech, the ends of words."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import IGNORED, EncoderConfig
from keras_bert_zoo.layers import Linear
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import REDUCTION, TaskModel, checked_labels, head_dropout


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TokenAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Accuracy over the labels that are not ``IGNORED``."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch: labels ``(B, S)``, logits ``(B, S, classes)``."""
        counted = keras.ops.cast(keras.ops.not_equal(y_true, IGNORED), "float32")
        weight = counted if sample_weight is None else counted * sample_weight
        super().update_state(y_true, y_pred, weight)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TokenClassifier(TaskModel):
    """An encoder with dropout and a linear layer on each token.

    Devlin et al. 2018, section 4 and 5.3. The output is a dict with ``logits``, float32
    ``(B, S, num_labels)``. Labels are int ``(B, S)``; ``-100`` counts in no loss.

    Args:
        encoder: an encoder with a ``config``.
        config: the encoder's config with ``id2label``; by default ``encoder.config``.
        dtype: dtype policy of the head's dropout; the linear layer is float32.

    Raises:
        ValueError: the config names no labels.
    """

    task = "token_classification"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "token_classifier",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        classes = checked_labels(config)
        inputs = inputs_like(encoder)
        hidden = encoder(inputs)["last_hidden_state"]
        dropout = keras.layers.Dropout(head_dropout(config), dtype=dtype, name="classifier_dropout")
        logits = Linear(
            classes,
            initializer_range=config.initializer_range,
            dtype="float32",
            name="classifier",
        )(dropout(hidden))
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """The mean cross-entropy of the tokens that have a label."""
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=IGNORED, reduction=REDUCTION
        )
        return {"logits": loss}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """Accuracy of single tokens; entities are scored by ``evaluation.tagging``."""
        return {"logits": [TokenAccuracy(name="accuracy")]}
