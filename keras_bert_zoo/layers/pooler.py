"""The sentence vector BERT was pretrained with."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.linear import Linear


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Pooler(keras.layers.Layer):
    """``tanh(W h + b)`` of the first token's hidden state.

    Args:
        initializer_range: standard deviation of the kernel.
    """

    def __init__(self, initializer_range: float = 0.02, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.initializer_range = initializer_range

    def build(self, hidden_shape: tuple[Any, ...]) -> None:
        """Creates the projection, as wide as the hidden states."""
        self.dense = Linear(
            hidden_shape[-1],
            initializer_range=self.initializer_range,
            dtype=self.dtype_policy,
            name="dense",
        )
        self.dense.build((hidden_shape[0], hidden_shape[-1]))

    def call(self, hidden: Any) -> Any:
        """Pools ``(B, S, H)`` to ``(B, H)``."""
        return ops.tanh(self.dense(hidden[:, 0]))

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(B, H)``."""
        return (hidden_shape[0], hidden_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "initializer_range": self.initializer_range}
