"""One prediction per text or pair of texts: classes, labels, or a number."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SequenceClassifier(keras.Model):
    """An encoder with dropout and a linear layer on its pooled output.

    Devlin et al. 2018, section 4.1. The output is a dict with ``logits``, float32
    ``(B, num_labels)``; what they mean is ``config.problem_type``:
    ``"single_label_classification"`` (softmax over them), ``"multi_label_classification"``
    (a sigmoid on each) or ``"regression"`` (the values themselves).

    Args:
        encoder: an encoder with a ``pooler_output`` and a ``config``.
        config: the encoder's config with ``id2label`` and ``problem_type``; by default
            ``encoder.config``.
        dtype: dtype policy of the head's dropout; the linear layer is float32.

    Raises:
        ValueError: the config names no labels, or the encoder has no pooler.
    """

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "sequence_classifier",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        if not config.num_labels:
            raise ValueError(
                "config.id2label names no classes. Pass e.g. "
                "config.replace(id2label={0: 'negative', 1: 'positive'})."
            )
        if "pooler_output" not in encoder.output:
            raise ValueError(
                "The encoder has no pooler_output. Build it with add_pooling_layer=True."
            )
        rate = config.classifier_dropout
        rate = config.hidden_dropout_prob if rate is None else rate

        # === Functional graph ===
        inputs = {key: keras.Input(x.shape[1:], dtype=x.dtype, name=key) for key, x in encoder.input.items()}
        pooled = encoder(inputs)["pooler_output"]
        pooled = keras.layers.Dropout(rate, dtype=dtype, name="classifier_dropout")(pooled)
        logits = Linear(
            config.num_labels,
            initializer_range=config.initializer_range,
            dtype="float32",
            name="classifier",
        )(pooled)
        super().__init__(inputs=inputs, outputs={"logits": logits}, name=name, **kwargs)

        # === Config ===
        self.encoder = encoder
        self.config = config

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "config": self.config.to_dict(),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> SequenceClassifier:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["encoder"] = keras.saving.deserialize_keras_object(values["encoder"])
        values["config"] = EncoderConfig.from_dict(values["config"])
        return cls(**values)
