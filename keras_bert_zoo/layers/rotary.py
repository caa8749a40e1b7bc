"""Attention that knows places by rotating queries and keys."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.layers.attention import Attention
from keras_bert_zoo.layers.normalization import wide
from keras_bert_zoo.layers.window import attend_near


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Rotations(keras.layers.Layer):
    """Cosines and sines of the angles by which each place turns, float32 ``(S, D)``.

    Su et al. 2021 (arXiv:2104.09864), section 3.4.2: pair ``i`` of ``D / 2`` turns by
    ``place / theta^(2 i / D)``. The cosines of all pairs stand before their sines.

    Args:
        head_size: ``D``, even.
        theta: the base.
    """

    def __init__(self, head_size: int, theta: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {"head_size": head_size, "theta": theta}
        # float32, as the published code computes it.
        exponents = np.arange(0, head_size, 2, dtype="float32") / np.float32(head_size)
        self.frequencies = np.float32(1.0) / np.float32(theta) ** exponents

    def call(self, input_ids: Any) -> Any:
        """The rotations of as many places as a row has."""
        dtype = wide(self.compute_dtype)
        places = ops.cast(ops.arange(ops.shape(input_ids)[1]), dtype)
        angles = ops.expand_dims(places, 1) * ops.cast(self.frequencies, dtype)
        return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(S, D)``."""
        return (shape[1], self.arguments["head_size"])

    def compute_output_spec(self, input_ids: Any) -> keras.KerasTensor:
        """Float32, also under a policy of half precision."""
        shape = self.compute_output_shape(input_ids.shape)
        return keras.KerasTensor(shape, dtype=wide(self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}


def rotated(x: Any, rotations: Any) -> Any:
    """Turns heads ``(B, S, …, D)``: the first half of ``D`` with the second, pair by pair."""
    half = x.shape[-1] // 2
    turns = ops.expand_dims(rotations, 1)  # S 1 D
    cosines, sines = turns[..., :half], turns[..., half:]
    first, second = x[..., :half], x[..., half:]
    return ops.concatenate(
        [first * cosines - second * sines, second * cosines + first * sines], axis=-1
    )


@keras.saving.register_keras_serializable("keras_bert_zoo")
class RotaryAttention(Attention):
    """Attention with rotated queries and keys, from one projection with the values.

    Args:
        use_bias: whether the projections have a bias.
        output_range: standard deviation of the kernel of the output projection.
        **kwargs: of ``Attention``.
    """

    def __init__(self, *args: Any, use_bias: bool, output_range: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_bias = use_bias
        self.output_range = output_range
        heads, width = (3 * self.num_heads, self.head_size), 3 * self.num_heads * self.head_size
        self.qkv = self.linear("qkv", units=width, output_shape=heads, use_bias=use_bias)
        self.output_projection = self.linear(
            "output", input_rank=2, use_bias=use_bias, initializer_range=output_range
        )

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the two projections."""
        self.qkv.build(hidden_shape)
        self.output_projection.build((*hidden_shape[:-1], self.num_heads, self.head_size))

    def call(self, hidden: Any, bias: Any, rotations: Any, training: bool | None = None) -> Any:
        """Attends.

        Args:
            hidden: ``(B, S, H)``.
            bias: added to the scores, broadcastable to ``(B, N, S, S)``; or of blocks, see
                ``Window``.
            rotations: of ``Rotations``, ``(S, D)``.
            training: whether dropout is on.

        Returns:
            The projected context ``(B, S, H)`` and, where not fused, the probabilities
            ``(B, N, S, S)``, or those of blocks.
        """
        heads = self.num_heads
        qkv = self.qkv(hidden, training=training)  # B S 3N D
        # Turned in float32: a place far behind turns by thousands of radians.
        both = rotated(ops.cast(qkv[:, :, : 2 * heads], rotations.dtype), rotations)
        both = ops.cast(both, self.compute_dtype)
        query = both[:, :, :heads] * (1.0 / math.sqrt(self.head_size))
        value = qkv[:, :, 2 * heads :]
        given = (query, both[:, :, heads:], value, bias, training)
        near = len(bias.shape) == 5
        context, *probabilities = attend_near(self.attend, *given) if near else self.attend(*given)
        output = self.output_projection(context, training=training)
        return (output, *probabilities) if probabilities else output

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"use_bias": self.use_bias, "output_range": self.output_range}
        return {**super().get_config(), **own}
