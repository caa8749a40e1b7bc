"""Layer normalisation (Ba et al. 2016, arXiv:1607.06450)."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import gradients


def wide(dtype: str) -> str:
    """The type for statistics, scores and logits: float32, or float64 where all else is."""
    return keras.backend.result_type(dtype, "float32")


@keras.saving.register_keras_serializable("keras_bert_zoo")
class LayerNorm(keras.layers.Layer):
    """Normalises the last axis; statistics in float32 at least, whatever the compute type.

    Args:
        epsilon: added to the variance inside the square root.
        use_bias: whether something is added at last.
    """

    def __init__(self, epsilon: float = 1e-12, use_bias: bool = True, **kwargs: Any) -> None:
        # The input keeps the precision it comes with.
        super().__init__(autocast=False, **kwargs)
        self.epsilon = epsilon
        self.use_bias = use_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates ``gamma``, and ``beta`` where there is a bias, both ``(H,)``."""
        shape = (input_shape[-1],)
        options = {"shape": shape, "autocast": False}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **options)
        self.beta = None
        if self.use_bias:
            self.beta = self.add_weight(name="beta", initializer="zeros", **options)

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Normalises ``(..., H)``."""
        # Half precision loses an epsilon of 1e-12, and overflows in the squares.
        dtype = wide(self.variable_dtype)
        weights = [self.gamma, self.beta] if self.use_bias else [self.gamma]
        x, *weights = (ops.cast(value, dtype) for value in (x, *weights))
        normalise = gradients.layer_norm if training else _layer_norm
        return ops.cast(normalise(self.epsilon, x, *weights), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the result: that of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "use_bias": self.use_bias}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class NoNorm(keras.layers.Layer):
    """What is left of a normalisation without its statistics: a factor and a bias.

    Sun et al. 2020 (arXiv:2004.02984), section 3.3, equation 2.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates ``gamma`` and ``beta``, both ``(H,)``."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")

    def call(self, x: Any) -> Any:
        """Scales and shifts ``(..., H)``."""
        return x * self.gamma + self.beta

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the result: that of the input."""
        return input_shape


def normalization(kind: str, epsilon: float, **options: Any) -> LayerNorm | NoNorm:
    """The layer that a config calls its ``normalization_type``.

    Args:
        kind: ``"layer_norm"`` or ``"no_norm"``.
        epsilon: of the former.
        **options: of ``keras.layers.Layer``.
    """
    return NoNorm(**options) if kind == "no_norm" else LayerNorm(epsilon, **options)


def _layer_norm(epsilon: float, x: Any, gamma: Any, *beta: Any) -> Any:
    centred = x - ops.mean(x, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    return sum(beta, start=centred / ops.sqrt(variance + epsilon) * gamma)
