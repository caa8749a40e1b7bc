"""An encoder that learns from text alone: masked words, and which sentence follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import family
from keras_bert_zoo.layers import Linear, MaskedLMHead
from keras_bert_zoo.layers.normalization import wide
from keras_bert_zoo.models.cross_entropy import CrossEntropy, cross_entropy
from keras_bert_zoo.models.named_inputs import NamedInputs, inputs_like

WORDS, SENTENCES = "prediction_logits", "seq_relationship_logits"
# Weights of 0, places that hold no masked word, count neither above nor below the line.
_REDUCTION = "mean_with_sample_weight"

# What the loss of each output is called in logs, and so its accuracy.
OBJECTIVES = {WORDS: "masked_lm", SENTENCES: "next_sentence"}


class LossTerm(NamedTuple):
    """One part of a loss, not reduced: what a sum over several batches is made of.

    Args:
        losses: float ``(B, …)``.
        weights: float, of the same shape; 0 where there is nothing to predict.
        correct: float, of the same shape; 1 where the prediction is right.
    """

    losses: Any
    weights: Any
    correct: Any


@keras.saving.register_keras_serializable("keras_bert_zoo")
class PretrainingModel(NamedInputs):
    """An encoder with BERT's pretraining heads.

    Devlin et al. 2018 (arXiv:1810.04805), section 3.1. Inputs are the encoder's and
    ``masked_positions``, int32 ``(B, P)``. Outputs are a dict of float32:
    ``prediction_logits`` ``(B, P, vocab_size)``, and with next-sentence prediction
    ``seq_relationship_logits`` ``(B, 2)``: 0 for a second sentence that follows the first,
    1 for one from elsewhere.

    Args:
        encoder: an ``Encoder``; with a pooler for next-sentence prediction.
        next_sentence: whether there is a head for it.
        dtype: dtype policy of the heads; that of the encoder by default.

    Raises:
        ValueError: next sentences are to be predicted, and the encoder has no pooler.
    """

    # How much each term of the loss counts.
    loss_weights: Mapping[str, float] = {"masked_lm": 1.0, "next_sentence": 1.0}

    def __init__(
        self,
        encoder: keras.Model,
        *,
        next_sentence: bool = True,
        dtype: Any = None,
        name: str = "pretraining",
        **kwargs: Any,
    ) -> None:
        config: EncoderConfig = encoder.config
        if next_sentence and "pooler_output" not in encoder.output:
            raise ValueError(
                "The encoder has no pooler_output. Build it with add_pooling_layer=True, or pass "
                "next_sentence=False."
            )
        policy = encoder.dtype_policy if dtype is None else dtype

        # === Functional graph ===
        inputs = inputs_like(encoder)
        inputs["masked_positions"] = keras.Input((None,), dtype="int32", name="masked_positions")
        hidden = encoder({key: inputs[key] for key in encoder.input})
        activation = family(config.model_type).words or config.hidden_act
        head = MaskedLMHead(
            encoder.get_layer("embeddings"),
            epsilon=config.layer_norm_eps,
            initializer_range=config.initializer_range,
            dtype=policy,
            name="predictions",
            **{"activation": activation, **config.choices.word_head},
        )
        outputs = {WORDS: head(hidden["last_hidden_state"], inputs["masked_positions"])}
        if next_sentence:
            outputs[SENTENCES] = Linear(
                2,
                initializer_range=config.initializer_range,
                dtype=wide(encoder.dtype_policy.compute_dtype),
                name="seq_relationship",
            )(hidden["pooler_output"])
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

        # === Config ===
        self.encoder = encoder
        self.config = config
        self.next_sentence = next_sentence
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = encoder.dtype_policy

    def compile(
        self,
        optimizer: Any,
        loss: Any = "auto",
        *,
        weighted_metrics: Any = "auto",
        **kwargs: Any,
    ) -> None:
        """Prepares training.

        ``fit`` takes labels by the names of the outputs: ids ``(B, P)`` and classes
        ``(B,)``; and weights by the same names, 0 for places without a masked word.

        Args:
            optimizer: e.g. ``training.optimizers.BertAdamW()``.
            loss: ``"auto"`` is the mean cross-entropy of the masked words, and that of the
                sentences added.
            weighted_metrics: ``"auto"`` is the accuracy of both; a label that shares the
                largest logit counts as right.
            **kwargs: of ``keras.Model.compile``. On TensorFlow ``jit_compile`` is off unless
                it is given.
        """
        if loss == "auto":
            loss = {name: CrossEntropy(reduction=_REDUCTION) for name in self.output}
        if weighted_metrics == "auto":
            names = {WORDS: "masked_accuracy", SENTENCES: "next_sentence_accuracy"}
            weighted_metrics = {
                name: [keras.metrics.SparseTopKCategoricalAccuracy(1, name=names[name])]
                for name in self.output
            }
        if keras.backend.backend() == "tensorflow":
            # On a CPU, XLA takes longer to compile than it saves in hundreds of steps.
            kwargs.setdefault("jit_compile", False)
        super().compile(optimizer, loss, weighted_metrics=weighted_metrics, **kwargs)
        # Now, because a step that creates variables is traced twice.
        self.optimizer.build(self.trainable_variables)

    def normalizers(self, inputs: Any, labels: Any, weights: Any) -> dict[str, Any]:
        """How much there is to predict in a batch, for each term; float scalars.

        Known before anything is computed: a batch may be cut in parts, here and on other
        devices, and each part divided by what all of them hold.
        """
        return {OBJECTIVES[name]: ops.sum(weights[name]) for name in self.output}

    def loss_terms(
        self, inputs: Any, outputs: Any, labels: Any, weights: Any
    ) -> dict[str, LossTerm]:
        """The terms of the loss: ``masked_lm``, and ``next_sentence`` where there is a head.

        Args:
            inputs: what the model was given.
            outputs: what it answered.
            labels: int, by the names of the outputs: ids ``(B, P)`` and classes ``(B,)``.
            weights: float, of the same names and shapes.
        """
        return {
            OBJECTIVES[name]: cross_entropy_term(outputs[name], labels[name], weights[name])
            for name in self.output
        }

    @property
    def task(self) -> str:
        """What ``load`` calls this model."""
        return "pretraining" if self.next_sentence else "masked_lm"

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "next_sentence": self.next_sentence,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> PretrainingModel:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["encoder"] = keras.saving.deserialize_keras_object(values["encoder"])
        return cls(**values)


def cross_entropy_term(logits: Any, labels: Any, weights: Any) -> LossTerm:
    """The cross-entropy of classes: ``logits`` ``(…, classes)``, the rest ``(…)``."""
    losses = cross_entropy(labels, logits)
    labels = ops.expand_dims(ops.cast(labels, "int32"), -1)
    chosen = ops.take_along_axis(logits, labels, axis=-1)[..., 0]
    # Not by argmax, which is slow; a label that shares the largest logit counts as right.
    hits = chosen >= ops.max(logits, axis=-1)
    return LossTerm(losses, ops.cast(weights, losses.dtype), ops.cast(hits, losses.dtype))
