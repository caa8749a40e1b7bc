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


def halved_sinusoidal_table(length: int, width: int) -> np.ndarray:
    """The same numbers, those of the sines first: tensor2tensor's order, and Marian's."""
    table = sinusoidal_table(length, width)
    return np.concatenate([table[:, ::2], table[:, 1::2]], axis=1)


# Fixed position encodings, by the value of `position_embedding_type`.
FIXED = {"sinusoidal": sinusoidal_table, "halved_sinusoidal": halved_sinusoidal_table}


def check_length(input_ids: Any, limit: int) -> None:
    """Refuses rows ``(B, S)`` that are longer than there are positions, as far as that is known.

    Raises:
        ValueError: they are.
    """
    length = input_ids.shape[1]
    if length is not None and length > limit:
        raise ValueError(
            f"input_ids has {length} tokens a row, but positions end at {limit} "
            "(max_position_embeddings). Truncate the texts, e.g. "
            f"tokenizer(texts, truncation=True, max_length={limit})."
        )


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Embeddings(keras.layers.Layer):
    """Sum of word, position and segment embeddings, normalised.

    Devlin et al. 2018, section 3.2 and figure 2.

    Args:
        vocab_size: rows of the word table.
        hidden_size: ``H``.
        max_position_embeddings: rows of the position table.
        type_vocab_size: number of segments; without any there is no table.
        padding: where positions count the tokens that are not this id, from ``padding + 1`` on,
            and are ``padding`` for the others (fairseq's, Liu et al. 2019); by default they are
            the places of a row, from 0.
        position_embedding_type: ``"absolute"`` (learned), a key of ``FIXED`` (no variable), or
            ``None``: positions are not added.
        dropout: rate after the normalisation.
        epsilon: of the normalisation.
        initializer_range: standard deviation of the tables.
        norm_bias: whether the normalisation has a bias.
        norm: whether there is one.
        scale: what the rows of the word table are multiplied with (Vaswani et al. 2017,
            section 3.4).
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        hidden_size: int,
        max_position_embeddings: int,
        type_vocab_size: int = 2,
        padding: int | None = None,
        position_embedding_type: str | None = "absolute",
        dropout: float = 0.1,
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        norm_bias: bool = True,
        norm: bool = True,
        scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "vocab_size": vocab_size,
            "hidden_size": hidden_size,
            "max_position_embeddings": max_position_embeddings,
            "type_vocab_size": type_vocab_size,
            "padding": padding,
            "position_embedding_type": position_embedding_type,
            "dropout": dropout,
            "epsilon": epsilon,
            "initializer_range": initializer_range,
            "norm_bias": norm_bias,
            "norm": norm,
            "scale": scale,
        }
        policy = self.dtype_policy
        self.norm = self.normalise_with(name="norm", dtype=policy) if norm else None
        self.dropout = Dropout(dropout, name="dropout", dtype=policy)

    def normalise_with(self, **options: Any) -> Any:
        """The kind of normalisation."""
        return LayerNorm(self.arguments["epsilon"], self.arguments["norm_bias"], **options)

    @property
    def word_size(self) -> int:
        """Width of the word table."""
        return self.arguments["hidden_size"]

    def build(self, *_: Any) -> None:
        """Creates the tables."""
        sizes = self.arguments
        width = sizes["hidden_size"]
        self.word = self._table("word_embeddings", sizes["vocab_size"], self.word_size)
        if sizes["type_vocab_size"]:
            self.token_type = self._table("token_type_embeddings", sizes["type_vocab_size"])
        rows, kind = sizes["max_position_embeddings"], sizes["position_embedding_type"]
        if kind == "absolute":
            self.position = self._table("position_embeddings", rows)
        elif kind is not None:
            self.position = FIXED[kind](rows, width)
        if self.norm is not None:
            self.norm.build((None, None, width))

    def _table(self, name: str, rows: int, width: int | None = None) -> Any:
        initializer = keras.initializers.TruncatedNormal(stddev=self.arguments["initializer_range"])
        shape = (rows, width or self.arguments["hidden_size"])
        # Under mixed precision the looked-up rows are cast, not the whole table at each step.
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def call(
        self,
        input_ids: Any,
        token_type_ids: Any = None,
        position_ids: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Embeds int32 ids ``(B, S)`` as ``(B, S, H)``.

        Args:
            input_ids: rows of the word table.
            token_type_ids: segment of each token; by default all have the first.
            position_ids: position of each token, from 0; by default 0, 1, 2, … in every row.
            training: whether dropout is on.

        Raises:
            ValueError: see ``look_up``.
        """
        words = self.look_up(input_ids, position_ids)
        return self.add_up(words, input_ids, token_type_ids, position_ids, training)

    def look_up(self, input_ids: Any, position_ids: Any) -> Any:
        """Rows of the word table, ``(B, S, word_size)``.

        Raises:
            ValueError: the sequence is longer than the position table, or ``input_ids`` is a
                ragged tensor of TensorFlow's.
        """
        if hasattr(input_ids, "row_lengths"):
            raise ValueError(
                "input_ids is ragged: its rows have different lengths. Pad the texts, e.g. "
                "tokenizer(texts, padding=True)."
            )
        if position_ids is None:
            check_length(input_ids, self.max_tokens)
        words = ops.take(self.word, input_ids, axis=0)
        scale = self.arguments["scale"]
        return words if scale == 1.0 else words * scale

    def add_up(
        self,
        summed: Any,
        input_ids: Any,
        token_type_ids: Any,
        position_ids: Any,
        training: bool | None,
    ) -> Any:
        """Adds positions and segments to ``(B, S, H)`` and normalises; arguments as in ``call``."""
        if self.arguments["position_embedding_type"] is not None:
            summed = summed + self._positions(input_ids, position_ids)
        if token_type_ids is not None:
            summed = summed + ops.take(self.token_type, token_type_ids, axis=0)
        elif self.arguments["type_vocab_size"]:
            summed = summed + self.token_type[0]
        if self.norm is not None:
            summed = self.norm(summed)
        else:
            summed = ops.cast(summed, self.compute_dtype)
        return self.dropout(summed, training=training)

    @property
    def max_tokens(self) -> int:
        """The longest sequence."""
        padding, rows = self.arguments["padding"], self.arguments["max_position_embeddings"]
        return rows if padding is None else rows - padding - 1

    def _positions(self, input_ids: Any, position_ids: Any) -> Any:
        """Rows of the position table: ``(S, H)`` for all texts, or ``(B, S, H)``."""
        padding = self.arguments["padding"]
        if position_ids is None and padding is None:
            table = self.position
            # An array, which sines are, cannot be cut at a width that a graph leaves open.
            table = ops.convert_to_tensor(table) if isinstance(table, np.ndarray) else table
            return table[: ops.shape(input_ids)[1]]
        if position_ids is None:
            tokens = ops.cast(ops.not_equal(input_ids, padding), "int32")
            position_ids = ops.cumsum(tokens, axis=1) * tokens + padding
        elif padding is not None:
            position_ids = position_ids + padding + 1
        return ops.take(self.position, position_ids, axis=0)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[int | None, ...]:
        """``(B, S, H)``."""
        return (*input_shape, self.arguments["hidden_size"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}
