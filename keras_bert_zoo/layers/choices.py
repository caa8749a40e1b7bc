"""Several texts of a question as rows of an encoder, and back."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_bert_zoo")
class ChoicesToRows(keras.layers.Layer):
    """``(B, C, S)`` to ``(B * C, S)``."""

    def call(self, choices: Any) -> Any:
        """Puts the choices of all questions one below the other."""
        return ops.reshape(choices, (-1, ops.shape(choices)[-1]))

    def compute_output_spec(self, choices: Any) -> keras.KerasTensor:
        """The same type."""
        return keras.KerasTensor((None, choices.shape[-1]), dtype=choices.dtype)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class RowsToChoices(keras.layers.Layer):
    """A number for each row, ``(B * C, 1)``, as those of each question, ``(B, C)``."""

    def call(self, numbers: Any, choices: Any) -> Any:
        """Groups numbers as ``choices`` ``(B, C, S)`` are grouped."""
        return ops.reshape(numbers, ops.shape(choices)[:2])

    def compute_output_spec(self, numbers: Any, choices: Any) -> keras.KerasTensor:
        """The type of the numbers."""
        return keras.KerasTensor(choices.shape[:2], dtype=numbers.dtype)
