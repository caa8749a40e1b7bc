"""What all models with the head of a task have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models.class_losses import SingleLabelLoss
from keras_bert_zoo.models.named_inputs import NamedInputs, first_token


class TaskModel(NamedInputs):
    """An encoder with a head: how it is compiled, saved and built again.

    A subclass builds the graph, names its ``task``, and where they are not those of classes its
    losses and metrics.

    Args:
        encoder: the encoder.
        config: its config, with what the head adds to it.
        inputs: of the graph, by name.
        outputs: of the graph, by name.
        **kwargs: of ``keras.Model``.
    """

    task: str
    # How much the loss of each output counts.
    loss_weights: ClassVar[Mapping[str, float] | None] = None
    checks_labels = False

    def __init__(
        self,
        encoder: keras.Model,
        config: Any,
        inputs: dict[str, Any],
        outputs: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.encoder = encoder
        self.config = config
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = encoder.dtype_policy

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """The loss of each output, as published; by default cross-entropy over its last axis."""
        return {name: SingleLabelLoss() for name in self.output}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """What is shown beside the loss; by default how often the largest number is right."""
        return {
            name: [keras.metrics.SparseCategoricalAccuracy(name="accuracy")] for name in self.output
        }

    def compile(
        self,
        optimizer: Any,
        loss: Any = "auto",
        *,
        weighted_metrics: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Prepares training.

        Args:
            optimizer: e.g. ``training.optimizers.BertAdamW()``.
            loss: ``"auto"`` is that of the task, as ``transformers`` computes it.
            weighted_metrics: ``"auto"`` are those of the task.
            **kwargs: of ``keras.Model.compile``.
        """
        self.checks_labels = loss == "auto"
        if loss == "auto":
            loss = self.losses_by_output()
            kwargs.setdefault("loss_weights", self.loss_weights)
        if weighted_metrics == "auto":
            weighted_metrics = self.metrics_by_output()
        super().compile(optimizer, loss, weighted_metrics=weighted_metrics, **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        """Arguments of ``compile``; a loss of the task, which may hold layers, is made again."""
        config = super().get_compile_config()
        return {**config, "loss": "auto"} if self.checks_labels else config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a model that was saved compiled, optimizer and its state included."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "config": self.config.to_dict(),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TaskModel:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["encoder"] = keras.saving.deserialize_keras_object(values["encoder"])
        values["config"] = EncoderConfig.from_dict(values["config"])
        return cls(**values)


def checked_labels(config: EncoderConfig) -> int:
    """The number of classes.

    Raises:
        ValueError: the config names none.
    """
    if not config.num_labels:
        raise ValueError(
            "config.id2label names no classes. Pass e.g. "
            "config.replace(id2label={0: 'negative', 1: 'positive'})."
        )
    return config.num_labels


def pooled(encoder: keras.Model, inputs: dict[str, Any]) -> Any:
    """The pooled output ``(B, H)``.

    Raises:
        ValueError: the encoder has none.
    """
    if "pooler_output" not in encoder.output:
        raise ValueError("The encoder has no pooler_output. Build it with add_pooling_layer=True.")
    return first_token(encoder, inputs)["pooler_output"]


def head_dropout(config: EncoderConfig) -> float:
    """The rate before a classifier."""
    rate = config.classifier_dropout
    return config.hidden_dropout_prob if rate is None else rate
