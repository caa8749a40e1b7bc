"""Sets of texts as rows of an encoder, and back: ``B`` sets of ``M`` texts."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SetsToRows(keras.layers.Layer):
    """``(B, M, S)`` to ``(B * M, S)``."""

    def call(self, sets: Any) -> Any:
        """Puts the texts of all sets one below the other."""
        return ops.reshape(sets, (-1, ops.shape(sets)[-1]))

    def compute_output_spec(self, sets: Any) -> keras.KerasTensor:
        """The same type."""
        return keras.KerasTensor((None, sets.shape[-1]), dtype=sets.dtype)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class RowsToSets(keras.layers.Layer):
    """Vectors ``(B * M, D)`` to ``(B, M, D)``."""

    def call(self, vectors: Any, sets: Any) -> Any:
        """Groups vectors as ``sets`` ``(B, M, S)`` are grouped."""
        return ops.reshape(vectors, (*ops.shape(sets)[:2], vectors.shape[-1]))

    def compute_output_spec(self, vectors: Any, sets: Any) -> keras.KerasTensor:
        """The type of the vectors."""
        return keras.KerasTensor((*sets.shape[:2], vectors.shape[-1]), dtype=vectors.dtype)
