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
        projects: whether there is a kernel; else it is the hidden state itself.
    """

    def __init__(
        self, initializer_range: float = 0.02, *, projects: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.initializer_range = initializer_range
        self.projects = projects

    def build(self, hidden_shape: tuple[Any, ...]) -> None:
        """Creates the projection, as wide as the hidden states, where there is one."""
        if not self.projects:
            return
        self.dense = Linear(
            hidden_shape[-1],
            initializer_range=self.initializer_range,
            dtype=self.dtype_policy,
            name="dense",
        )
        self.dense.build((hidden_shape[0], hidden_shape[-1]))

    def call(self, hidden: Any) -> Any:
        """Pools ``(B, S, H)`` to ``(B, H)``."""
        first = hidden[:, 0]
        return ops.tanh(self.dense(first)) if self.projects else first

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(B, H)``."""
        return (hidden_shape[0], hidden_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"initializer_range": self.initializer_range, "projects": self.projects}
        return {**super().get_config(), **own}
