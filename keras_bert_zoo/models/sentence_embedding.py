"""One vector for a text, and sets of texts whose vectors are trained together.

``B`` batch, ``M`` texts of a set, ``S`` sequence, ``D`` width of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import FirstNumbers, RowsToSets, SentencePooling, SetsToRows, activations
from keras_bert_zoo.models.embedding_losses import EmbeddingLoss, embedding_loss
from keras_bert_zoo.models.named_inputs import NamedInputs, first_token, inputs_like
from keras_bert_zoo.models.task_model import TaskModel

EMBEDDING, EMBEDDINGS = "sentence_embedding", "sentence_embeddings"


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SentenceEmbedder(NamedInputs):
    """An encoder and what makes one vector of its hidden states.

    Reimers & Gurevych 2019, arXiv:1908.10084. Inputs are the encoder's; the output is a dict
    with ``sentence_embedding``, float32 ``(B, D)`` (float64 of an encoder in float64).

    Args:
        encoder: an encoder with a ``config``.
        config: the encoder's config; by default ``encoder.config``.
        pooling: of ``config.POOLINGS``, one or several.
        dense_units: width of a dense layer behind the pooling; by default there is none.
        dense_activation: of that layer: ``None`` or one of ``layers.activations``.
        dense_bias: whether that layer has a bias.
        truncate_dim: how many numbers of an embedding are kept.
        normalize: whether embeddings have length 1; they are cut before.
        max_seq_length: tokens at which texts are to be cut; ``None`` for as many as there is
            room for. The model does not cut; ``evaluation.embeddings.encode`` does.
        dtype: not used: what follows the encoder is float32.

    Raises:
        ValueError: a pooling or an activation is unknown, or ``truncate_dim`` is not within
            the width.
    """

    task = "sentence_embedding"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        pooling: str | Sequence[str] = "mean",
        dense_units: int | None = None,
        dense_activation: str | None = "tanh",
        dense_bias: bool = True,
        truncate_dim: int | None = None,
        normalize: bool = False,
        max_seq_length: int | None = None,
        dtype: Any = None,
        name: str = "sentence_embedder",
        **kwargs: Any,
    ) -> None:
        precise = {"dtype": _precise(encoder)}
        inputs = inputs_like(encoder)
        pool = SentencePooling(pooling, name="pooling", **precise)
        outputs = first_token(encoder, inputs) if pool.pooling == ("cls",) else encoder(inputs)
        x = pool(outputs["last_hidden_state"], inputs["attention_mask"])
        if dense_units is not None:
            activation = activations.get(dense_activation) if dense_activation else None
            x = keras.layers.Dense(
                dense_units, activation, use_bias=dense_bias, name="dense", **precise
            )(x)
        if truncate_dim is not None and not 1 <= truncate_dim <= x.shape[-1]:
            raise ValueError(
                f"truncate_dim must be from 1 to {x.shape[-1]}, the width of the embeddings, "
                f"received {truncate_dim}."
            )
        x = FirstNumbers(truncate_dim, normalize, name="first_numbers", **precise)(x)
        super().__init__(inputs=inputs, outputs={EMBEDDING: x}, name=name, **kwargs)
        self.encoder = encoder
        self.config = config or encoder.config
        self.dtype_policy = encoder.dtype_policy
        self.head: dict[str, Any] = {
            "pooling": list(pool.pooling),
            "dense_units": dense_units,
            "dense_activation": dense_activation,
            "dense_bias": dense_bias,
            "truncate_dim": truncate_dim,
            "normalize": normalize,
            "max_seq_length": max_seq_length,
        }

    def with_head(self, *, fresh: bool = True, **changes: Any) -> SentenceEmbedder:
        """Another embedder around the same encoder.

        Args:
            fresh: whether its dense layer may start with random weights, where this embedder has
                none like it; else it starts with the weights that are here.
            **changes: of the constructor's arguments.

        Raises:
            ValueError: there would be random weights, and they are not wanted.
        """
        made = SentenceEmbedder(self.encoder, self.config, **{**self.head, **changes})
        mine, its = self._dense, made._dense
        if mine and [x.shape for x in mine] == [x.shape for x in its]:
            for old, new in zip(mine, its, strict=True):
                new.assign(old)
        elif its and not fresh:
            raise ValueError(
                f"The embedder has no dense layer for {changes}: its head is {self.head}. Leave "
                "pooling and dense_units out, or fine-tune it with them."
            )
        return made

    @property
    def _dense(self) -> list[Any]:
        """The weights of the dense layer, if there is one."""
        return [] if self.head["dense_units"] is None else self.get_layer("dense").weights

    def in_sets(self, loss: str, **options: Any) -> SentenceSets:
        """A model that trains this one; the arguments are those of ``embedding_loss``."""
        return SentenceSets(self, embedding_loss(loss, **options))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "config": self.config.to_dict(),
            **self.head,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> SentenceEmbedder:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        values["encoder"] = keras.saving.deserialize_keras_object(values["encoder"])
        values["config"] = EncoderConfig.from_dict(values["config"])
        return cls(**values)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SentenceSets(TaskModel):
    """Embeds the texts of a set apart, and learns from how they lie to each other.

    Inputs are int32 ``(B, M, S)``: pairs, or a text, one that goes with it and others that do
    not. The output is a dict with ``sentence_embeddings`` ``(B, M, D)``; labels by the same
    name are float ``(B,)``, of which only some losses make use.

    Args:
        embedder: the model that is trained; its weights are shared.
        loss: one of ``models.embedding_losses``.
    """

    task = "sentence_embedding"

    def __init__(
        self,
        embedder: SentenceEmbedder,
        loss: EmbeddingLoss,
        *,
        name: str = "sentence_sets",
        **kwargs: Any,
    ) -> None:
        inputs = {
            key: keras.Input((None, None), dtype=x.dtype, name=key)
            for key, x in embedder.input.items()
        }
        join = SetsToRows(name="sets_to_rows", dtype=_precise(embedder))
        split = RowsToSets(name="rows_to_sets", dtype=_precise(embedder))
        vectors = embedder({key: join(x) for key, x in inputs.items()})[EMBEDDING]
        outputs = {EMBEDDINGS: split(vectors, inputs["input_ids"])}
        super().__init__(embedder.encoder, embedder.config, inputs, outputs, name=name, **kwargs)
        self.embedder = embedder
        self.set_loss = loss
        # Texts that a training step holds at once, see `training.gradient_cache`.
        self.chunk_size: int | None = None

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """The loss this model was made with."""
        return {EMBEDDINGS: self.set_loss}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """None: what is measured takes more than one batch."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "embedder": keras.saving.serialize_keras_object(self.embedder),
            "loss": keras.saving.serialize_keras_object(self.set_loss),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> SentenceSets:
        """Rebuilds the model from ``get_config``."""
        values = dict(config)
        for key in ("embedder", "loss"):
            values[key] = keras.saving.deserialize_keras_object(values[key])
        return cls(**values)


def _precise(model: keras.Model) -> str:
    return "float64" if model.dtype_policy.variable_dtype == "float64" else "float32"
