"""Token, position and segment embeddings."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.normalization import LayerNorm


def sinusoidal_table(length: int, width: int) -> np.ndarray:
    """Fixed position encodings, float32 ``(length, width)``.

    Vaswani et al. 2017 (arXiv:1706.03762), section 3.5: even columns are
    ``sin(p / 10000^(i / width))``, the odd ones that follow them the cosine.
    """
    columns = np.arange(width)
    angles = np.arange(length)[:, None] / np.power(10_000.0, (columns - columns % 2) / width)
    return np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32")


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Embeddings(keras.layers.Layer):
    """Sum of word, position and segment embeddings, normalised.

    Devlin et al. 2018, section 3.2 and figure 2.

    Args:
        vocab_size: rows of the word table.
        hidden_size: ``H``.
        max_position_embeddings: the longest sequence.
        type_vocab_size: number of segments.
        position_embedding_type: ``"absolute"`` (learned) or ``"sinusoidal"`` (fixed, no
            variable).
        dropout: rate after the normalisation.
        epsilon: of the normalisation.
        initializer_range: standard deviation of the tables.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        hidden_size: int,
        max_position_embeddings: int,
        type_vocab_size: int = 2,
        position_embedding_type: str = "absolute",
        dropout: float = 0.1,
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "vocab_size": vocab_size,
            "hidden_size": hidden_size,
            "max_position_embeddings": max_position_embeddings,
            "type_vocab_size": type_vocab_size,
            "position_embedding_type": position_embedding_type,
            "dropout": dropout,
            "epsilon": epsilon,
            "initializer_range": initializer_range,
        }
        self.norm = LayerNorm(epsilon, name="norm", dtype=self.dtype_policy)
        self.dropout = Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def build(self, *_: Any) -> None:
        """Creates the tables."""
        sizes = self.arguments
        width = sizes["hidden_size"]
        self.word = self._table("word_embeddings", sizes["vocab_size"])
        self.token_type = self._table("token_type_embeddings", sizes["type_vocab_size"])
        if sizes["position_embedding_type"] == "absolute":
            self.position = self._table("position_embeddings", sizes["max_position_embeddings"])
        else:
            self.position = sinusoidal_table(sizes["max_position_embeddings"], width)
        self.norm.build((None, None, width))

    def _table(self, name: str, rows: int) -> Any:
        initializer = keras.initializers.TruncatedNormal(stddev=self.arguments["initializer_range"])
        shape = (rows, self.arguments["hidden_size"])
        # Under mixed precision the looked-up rows are cast, not the whole table at each step.
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def call(
        self,
        input_ids: Any,
        token_type_ids: Any,
        position_ids: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Embeds int32 ids ``(B, S)`` as ``(B, S, H)``.

        Args:
            input_ids: rows of the word table.
            token_type_ids: segment of each token.
            position_ids: position of each token; by default 0, 1, 2, … in every row.
            training: whether dropout is on.

        Raises:
            ValueError: the sequence is longer than the position table, or ``input_ids`` is a
                ragged tensor of TensorFlow's.
        """
        if hasattr(input_ids, "row_lengths"):
            raise ValueError(
                "input_ids is ragged: its rows have different lengths. Pad the texts, e.g. "
                "tokenizer(texts, padding=True)."
            )
        limit, length = self.arguments["max_position_embeddings"], input_ids.shape[1]
        if position_ids is None and length is not None and length > limit:
            raise ValueError(
                f"input_ids has {length} tokens a row, but the position table ends at {limit} "
                "(max_position_embeddings). Truncate the texts, e.g. "
                f"tokenizer(texts, truncation=True, max_length={limit})."
            )
        if position_ids is None:
            positions = self.position[: ops.shape(input_ids)[1]]  # S H
        else:
            positions = ops.take(self.position, position_ids, axis=0)  # B S H
        summed = ops.take(self.word, input_ids, axis=0) + positions
        summed = summed + ops.take(self.token_type, token_type_ids, axis=0)
        return self.dropout(self.norm(summed), training=training)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[int | None, ...]:
        """``(B, S, H)``."""
        return (*input_shape, self.arguments["hidden_size"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}
