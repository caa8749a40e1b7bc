"""Replaced-token detection: who replaces, and who finds it out."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import activations
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import wide


def put(values: Any, positions: Any, replacements: Any) -> Any:
    """Writes into rows.

    Args:
        values: ``(B, S)``.
        positions: int32 ``(B, P)``, where to; equal ones must get equal replacements.
        replacements: ``(B, P)``.

    Returns:
        ``(B, S)``.
    """
    rows = ops.arange(ops.shape(positions)[0], dtype="int32")[:, None]
    rows = ops.broadcast_to(rows, ops.shape(positions))
    places = ops.reshape(ops.stack([rows, positions], axis=-1), (-1, 2))
    return ops.scatter_update(values, places, ops.reshape(replacements, (-1,)))


class SampledWords(keras.layers.Layer):
    """Puts words drawn from a generator's distribution into the masked places.

    Clark et al. 2020 (arXiv:2003.10555), section 2. No gradient flows back. In training each
    call draws anew; the state of the random numbers is a variable of the layer. Otherwise
    every call draws alike, so that scores can be compared.

    Args:
        seed: of the draws; by default another one in each model.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(
        self, input_ids: Any, positions: Any, logits: Any, training: bool | None = None
    ) -> Any:
        """Replaces masked words.

        Args:
            input_ids: int32 ``(B, S)``, with masked words.
            positions: int32 ``(B, P)``, where they are; 0 is no place but ``[CLS]``, which is
                never masked.
            logits: of the words there, ``(B, P, vocab_size)``.
            training: whether the draws change from call to call.

        Returns:
            Ids ``(B, S)``, int32.
        """
        rows = ops.reshape(ops.stop_gradient(logits), (-1, logits.shape[-1]))
        seed = self.seed_generator if training else 0
        drawn = keras.random.categorical(rows, 1, dtype="int32", seed=seed)
        drawn = ops.reshape(drawn, ops.shape(positions))
        first = ops.broadcast_to(input_ids[:, :1], ops.shape(positions))
        return put(input_ids, positions, ops.where(positions > 0, drawn, first))

    def compute_output_spec(
        self, input_ids: Any, positions: Any, logits: Any, training: bool | None = None
    ) -> keras.KerasTensor:
        """Int32, of the shape of the ids."""
        return keras.KerasTensor(input_ids.shape, dtype="int32")


class ReplacedTokenHead(keras.layers.Layer):
    """Scores each token as replaced.

    Clark et al. 2020, section 2, with the hidden layer of google-research/electra,
    ``run_pretraining.py``.

    Args:
        hidden_size: ``H``.
        activation: of the hidden layer, by the name in ``layers.activations``.
        initializer_range: standard deviation of the kernels.
    """

    def __init__(
        self,
        hidden_size: int,
        *,
        activation: str = "gelu",
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dense = Linear(
            hidden_size,
            initializer_range=initializer_range,
            name="dense",
            dtype=self.dtype_policy,
        )
        self.activation = activations.get(activation)
        self.score = Linear(
            1,
            initializer_range=initializer_range,
            name="dense_prediction",
            dtype=wide(self.compute_dtype),
        )

    def build(self, hidden_shape: tuple[int | None, ...]) -> None:
        """Builds both projections."""
        self.dense.build(hidden_shape)
        self.score.build(hidden_shape)

    def call(self, hidden: Any) -> Any:
        """Logits ``(B, S)`` of hidden states ``(B, S, H)``: positive for replaced tokens."""
        return ops.squeeze(self.score(self.activation(self.dense(hidden))), axis=-1)

    def compute_output_spec(self, hidden: Any) -> keras.KerasTensor:
        """Float32 at least, also under a policy of half precision."""
        return keras.KerasTensor(hidden.shape[:-1], dtype=wide(self.compute_dtype))
