"""Where a sentence stands among those of its row."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.embeddings import sinusoidal_table


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SentencePositions(keras.layers.Layer):
    """Adds to each token the fixed encoding of its sentence's number.

    ``PosEmb`` of Liu and Lapata 2019 (arXiv:1908.08345), section 3.2.

    Args:
        max_sentences: the most that a row can have.
    """

    def __init__(self, max_sentences: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_sentences = max_sentences

    def build(self, hidden_shape: tuple[Any, ...], *_: Any) -> None:
        """Computes the table; it is no variable."""
        self.table = sinusoidal_table(self.max_sentences, hidden_shape[-1])

    def call(self, hidden: Any, starts: Any) -> Any:
        """Adds to ``(B, S, H)``; ``starts``, int32 ``(B, S)``, is 1 where a sentence begins."""
        numbers = ops.cumsum(starts, axis=-1) - 1
        return hidden + ops.cast(ops.take(self.table, numbers, axis=0), hidden.dtype)

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...], *_: Any) -> Any:
        """Shape of the hidden states."""
        return hidden_shape

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "max_sentences": self.max_sentences}
