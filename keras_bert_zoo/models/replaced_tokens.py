"""ELECTRA: an encoder that learns by telling replaced words from original ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers.replaced_tokens import ReplacedTokenHead, SampledWords, put
from keras_bert_zoo.models.encoder import Encoder
from keras_bert_zoo.models.named_inputs import NamedInputs, inputs_like
from keras_bert_zoo.models.pretraining import (
    WORDS,
    LossTerm,
    PretrainingModel,
    cross_entropy_term,
)

REPLACED, SAMPLED = "replaced_logits", "sampled_ids"
# Sizes that an encoder must share to read the same tables.
_TABLES = ("vocab_size", "max_position_embeddings", "type_vocab_size", "position_embedding_type")


@keras.saving.register_keras_serializable("keras_bert_zoo")
class ReplacedTokenDetector(NamedInputs):
    """An encoder with ELECTRA's head: which tokens are not the author's.

    Clark et al. 2020 (arXiv:2003.10555), section 2. Inputs are the encoder's. Output is a dict:
    ``replaced_logits`` ``(B, S)``, float32, positive for tokens that were replaced.

    Args:
        encoder: an ``Encoder`` without a pooler.
        dtype: dtype policy of the head; that of the encoder by default.

    Raises:
        ValueError: the encoder has a pooler, which this objective would not train.
    """

    task = "replaced_tokens"

    def __init__(
        self,
        encoder: keras.Model,
        *,
        dtype: Any = None,
        name: str = "replaced_token_detector",
        **kwargs: Any,
    ) -> None:
        config: EncoderConfig = encoder.config
        if "pooler_output" in encoder.output:
            raise ValueError(
                "The encoder has a pooler, which replaced tokens do not train. Build it with "
                "add_pooling_layer=False."
            )

        # === Functional graph ===
        inputs = inputs_like(encoder)
        head = ReplacedTokenHead(
            config.hidden_size,
            activation=config.hidden_act,
            initializer_range=config.initializer_range,
            dtype=encoder.dtype_policy if dtype is None else dtype,
            name="discriminator_predictions",
        )
        outputs = {REPLACED: head(encoder(inputs)["last_hidden_state"])}
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

        # === Config ===
        self.encoder = encoder
        # With this head it is what `transformers` calls ELECTRA.
        self.config = config.replace(model_type="electra", embedding_size=config.table_width)
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = encoder.dtype_policy

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> ReplacedTokenDetector:
        """Rebuilds the model from ``get_config``."""
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**{**config, "encoder": encoder})


@keras.saving.register_keras_serializable("keras_bert_zoo")
class ReplacedTokenModel(NamedInputs):
    """A small generator that fills masked words in, and an encoder that finds them.

    Clark et al. 2020 (arXiv:2003.10555). Inputs are the encoder's and ``masked_positions``, int32
    ``(B, P)``, ascending and 0 after the last. Outputs are a dict: ``prediction_logits``
    ``(B, P, vocab_size)`` of the generator; ``sampled_ids``, int32 ``(B, S)``, what the
    discriminator reads; ``replaced_logits`` ``(B, S)`` of the discriminator.

    ``fit`` takes labels and weights as ``PretrainingModel`` does: ``prediction_logits``, the
    original ids and 0 for places without a masked word. What was replaced follows from them.

    Args:
        encoder: the discriminator, an ``Encoder`` without a pooler; it is what is kept.
        generator: sizes of the generator: a quarter to half of the encoder, says the paper.
        share_embeddings: whether the generator reads the encoder's embeddings, the
            normalisation included, as published; narrower ones are projected.
        seed: of the draws.

    Raises:
        ValueError: the encoder has a pooler, or the generator other tables.
    """

    # How much each term of the loss counts.
    loss_weights: Mapping[str, float] = {"masked_lm": 1.0, "replaced_tokens": 50.0}

    def __init__(
        self,
        encoder: Encoder,
        generator: EncoderConfig,
        *,
        share_embeddings: bool = True,
        seed: int | None = None,
        name: str = "replaced_tokens",
        **kwargs: Any,
    ) -> None:
        _check_tables(encoder.config, generator)
        detector = ReplacedTokenDetector(encoder)
        words = _generator(encoder, generator, share_embeddings)

        # === Functional graph ===
        inputs = inputs_like(words)
        logits = words(inputs)[WORDS]
        sampled = SampledWords(seed, name="sampled_words")(
            inputs["input_ids"], inputs["masked_positions"], logits
        )
        read = {key: inputs[key] for key in encoder.input}
        outputs = {
            WORDS: logits,
            SAMPLED: sampled,
            REPLACED: detector({**read, "input_ids": sampled})[REPLACED],
        }
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

        # === Config ===
        self.detector = detector
        self.generator = words
        self.config = encoder.config
        self.options = {"share_embeddings": share_embeddings, "seed": seed}
        # `compile` reads it to decide on loss scaling.
        self.dtype_policy = encoder.dtype_policy

    def normalizers(self, inputs: Any, labels: Any, weights: Any) -> dict[str, Any]:
        """How much there is to predict in a batch, for each term; float scalars."""
        return {"masked_lm": ops.sum(weights[WORDS]), "replaced_tokens": ops.sum(_real(inputs))}

    def loss_terms(
        self, inputs: Any, outputs: Any, labels: Any, weights: Any
    ) -> dict[str, LossTerm]:
        """The terms of the loss: the generator's ``masked_lm``, and ``replaced_tokens``.

        Args:
            inputs: what the model was given.
            outputs: what it answered.
            labels: int ``(B, P)``, by the name ``prediction_logits``: the original ids.
            weights: float, of the same name and shape.
        """
        logits = outputs[REPLACED]
        replaced = _replaced(inputs, outputs, labels[WORDS], weights[WORDS])
        losses = ops.binary_crossentropy(ops.cast(replaced, logits.dtype), logits, from_logits=True)
        hits = ops.equal(logits > 0, replaced > 0)
        real = ops.cast(_real(inputs), logits.dtype)
        return {
            "masked_lm": cross_entropy_term(outputs[WORDS], labels[WORDS], weights[WORDS]),
            "replaced_tokens": LossTerm(losses, real, ops.cast(hits, logits.dtype)),
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of ``fit``, on every backend: each term's mean, times its weight."""
        totals = self.normalizers(x, y, sample_weight)
        loss = 0.0
        for name, term in self.loss_terms(x, y_pred, y, sample_weight).items():
            summed = ops.sum(term.losses * term.weights)
            total = ops.maximum(ops.cast(totals[name], summed.dtype), 1e-6)
            loss += self.loss_weights[name] * summed / total
        return loss

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.detector.encoder),
            "generator": self.generator.config.to_dict(),
            **self.options,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ReplacedTokenModel:
        """Rebuilds the model from ``get_config``."""
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        generator = EncoderConfig.from_dict(config["generator"])
        return cls(**{**config, "encoder": encoder, "generator": generator})


def _check_tables(encoder: EncoderConfig, generator: EncoderConfig) -> None:
    differ = {
        name: (getattr(generator, name), getattr(encoder, name))
        for name in _TABLES
        if getattr(generator, name) != getattr(encoder, name)
    }
    if differ:
        raise ValueError(
            "generator must read the words and positions of the encoder; it differs, generator "
            f"first, in {differ}. Take encoder.config.replace(hidden_size=…, num_hidden_layers=…)."
        )


def _generator(encoder: Encoder, config: EncoderConfig, shared: bool) -> PretrainingModel:
    # The scope tells its variables from the encoder's: `generator/encoder/layer_0/…`.
    with keras.name_scope("generator"):
        inner = type(encoder)(
            config,
            add_pooling_layer=False,
            packed=encoder.options["packed"],
            embeddings=encoder.get_layer("embeddings") if shared else None,
            dtype=encoder.dtype_policy,
            name="generator_encoder",
        )
        return PretrainingModel(inner, next_sentence=False, name="generator")


def _real(inputs: Any) -> Any:
    """1.0 for tokens, 0.0 for padding; in packed rows the mask numbers the documents."""
    return ops.cast(ops.not_equal(inputs["attention_mask"], 0), "float32")


def _replaced(inputs: Any, outputs: Any, originals: Any, weights: Any) -> Any:
    """1 for tokens that are not the author's, int32 ``(B, S)``: a lucky draw is none."""
    positions = ops.cast(inputs["masked_positions"], "int32")
    drawn = ops.take_along_axis(outputs[SAMPLED], positions, axis=1)
    wrong = ops.logical_and(ops.not_equal(drawn, ops.cast(originals, "int32")), weights > 0)
    return put(ops.zeros_like(outputs[SAMPLED]), positions, ops.cast(wrong, "int32"))
