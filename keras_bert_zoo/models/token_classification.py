"""A class for each token: names, parts of speech, the ends of words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import IGNORED, EncoderConfig
from keras_bert_zoo.layers import Linear, LinearChainCRF
from keras_bert_zoo.models.class_features import token_features
from keras_bert_zoo.models.class_losses import LabelLoss, SingleLabelLoss
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel, checked_labels, head_dropout


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TokenAccuracy(keras.metrics.SparseCategoricalAccuracy):
    """Accuracy over the labels that are not ``IGNORED``."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch: labels ``(B, S)``, logits ``(B, S, classes)``."""
        counted = ops.cast(ops.not_equal(y_true, IGNORED), "float32")
        weight = counted if sample_weight is None else counted * sample_weight
        super().update_state(y_true, y_pred, weight)


class ChainLoss(LabelLoss):
    """The mean over labelled tokens of ``-log p(all labels of the row)``, see ``LinearChainCRF``.

    Args:
        crf: the model's.
    """

    def __init__(self, crf: LinearChainCRF) -> None:
        super().__init__("chain_loss")
        self.crf = crf

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Each labelled token's share of its row, ``(B, S)``; of ``(B, S)``, ``(B, S, C)``."""
        labels = ops.cast(y_true, "int32")
        logits = ops.cast(y_pred, self.crf.variable_dtype)
        rows = self.crf.negative_log_likelihood(labels, logits)
        counted = ops.cast(ops.not_equal(labels, IGNORED), rows.dtype)
        return counted * ops.expand_dims(rows / ops.maximum(ops.sum(counted, axis=1), 1.0), 1)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TokenClassifier(TaskModel):
    """An encoder with dropout and a linear layer on each token.

    Devlin et al. 2018, section 4 and 5.3. The output is a dict with ``logits``, float32
    ``(B, S, num_labels)``. Labels are int ``(B, S)``; ``-100`` counts in no loss.

    Args:
        encoder: an encoder with a ``config``.
        config: the encoder's config with ``id2label``; by default ``encoder.config``.
        crf: whether tags also have scores for following each other, which then learn with the
            rest: ``crf`` is a ``LinearChainCRF``, else ``None``. The logits are its emissions;
            ``layers.crf.viterbi`` finds the best tags.
        loss_options: of ``models.class_losses``: ``label_smoothing``, ``class_weights``,
            ``focal_gamma``; a CRF has none.
        dtype: dtype policy of the head's dropout; the linear layer is float32.

    Raises:
        ValueError: the config names no labels, or there are options of a loss and a CRF.
    """

    task = "token_classification"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        crf: bool = False,
        loss_options: Mapping[str, Any] | None = None,
        dtype: Any = None,
        name: str = "token_classifier",
        **kwargs: Any,
    ) -> None:
        if crf and loss_options:
            raise ValueError(f"A CRF learns whole rows: it has no loss_options {loss_options}.")
        config = config or encoder.config
        classes = checked_labels(config)
        inputs = inputs_like(encoder)
        hidden = token_features(self.task, encoder, inputs, config, dtype)
        dropout = keras.layers.Dropout(head_dropout(config), dtype=dtype, name="classifier_dropout")
        logits = Linear(
            classes,
            initializer_range=config.initializer_range,
            dtype="float32",
            name="classifier",
        )(dropout(hidden))
        chain = LinearChainCRF(classes, dtype="float32", name="crf") if crf else None
        if chain is not None:
            logits = chain(logits)
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)
        self.crf = chain
        # XLA wants to know how long a loop of TensorFlow is.
        self.supports_jit = chain is None or keras.backend.backend() != "tensorflow"
        self.loss_options = dict(loss_options or {})

    def with_crf(self) -> TokenClassifier:
        """The same model with a CRF."""
        model = TokenClassifier(self.encoder, self.config, crf=True)
        for layer in self.layers:
            if layer.weights and layer is not self.encoder:  # which both have
                model.get_layer(layer.name).set_weights(layer.get_weights())
        return model

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """The mean loss of the tokens that have a label: cross-entropy, or that of the CRF."""
        return {"logits": ChainLoss(self.crf) if self.crf else SingleLabelLoss(**self.loss_options)}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """Accuracy of single tokens; entities are scored by ``evaluation.tagging``."""
        return {"logits": [TokenAccuracy(name="accuracy")]}

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"crf": self.crf is not None, "loss_options": self.loss_options}
        return {**super().get_config(), **own}
