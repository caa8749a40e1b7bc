"""Attention in which tokens and distances have vectors of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.attention import SelfAttention
from keras_bert_zoo.layers.block import Block, EncoderBlock
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.linear import Linear


def by_place(scores: Any) -> Any:
    """Scores by distance ``(B, N, S, 2 S - 1)`` as scores by place, ``(B, N, S, S)``.

    Each row's numbers begin a column further left than those of the row above. Laid out in one
    line and cut again in rows that are one shorter, all begin at the same column: a padding and two
    reshapes, where a gather would take each number by itself (Huang et al. 2018,
    arXiv:1809.04281, section 3.4.1).
    """
    batch, heads, length, _ = ops.shape(scores)
    line = ops.reshape(ops.pad(scores, ((0, 0), (0, 0), (0, 0), (0, 1))), (batch, heads, -1))
    lines = ops.reshape(line[:, :, length - 1 : -1], (batch, heads, length, 2 * length - 1))
    return lines[..., :length]


@keras.saving.register_keras_serializable("keras_bert_zoo")
class DisentangledAttention(SelfAttention):
    """Attention whose scores have parts for what a token is and how far it is.

    He et al. 2021 (arXiv:2006.03654), section 3.1, equation 4; He et al. 2021
    (arXiv:2111.09543).

    Args:
        kinds: ``"c2p"``: queries of tokens with keys of distances; ``"p2c"``: keys of tokens with
            queries of distances.
        shared: whether distances go through the projections of the tokens.
        distance_dropout: rate on the vectors of distances.
        **kwargs: of ``Attention``.
    """

    def __init__(
        self, *, kinds: Iterable[str], shared: bool, distance_dropout: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.kinds = tuple(kinds)
        self.shared = shared
        self.distance_key = self.key if shared else self.heads("distance_key")
        self.distance_query = self.query if shared else self.heads("distance_query")
        self.distance_dropout = Dropout(
            distance_dropout, dtype=self.dtype_policy, name="distance_dropout"
        )
        # Each part adds as much.
        self.scale = 1.0 / math.sqrt(self.head_size * (1 + len(self.kinds)))

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the projections."""
        super().build(hidden_shape)
        for kind, projection in (("c2p", self.distance_key), ("p2c", self.distance_query)):
            if kind in self.kinds and not projection.built:
                projection.build((None, hidden_shape[-1]))

    def call(
        self, hidden: Any, bias: Any, training: bool | None = None, distances: Any = None
    ) -> Any:
        """Attends.

        Args:
            hidden: ``(B, S, H)``.
            bias: added to the scores, broadcastable to ``(B, N, S, S)``.
            training: whether dropout is on.
            distances: of ``Distances``, ``(2, 2 S - 1, H)``.

        Returns:
            The projected context ``(B, S, H)`` and, where not fused, the probabilities
            ``(B, N, S, S)``.
        """
        query = self.query(hidden, training=training) * self.scale
        key = self.key(hidden, training=training)
        value = self.value(hidden, training=training)
        distances = self.distance_dropout(distances, training=training)
        if "c2p" in self.kinds:
            keys = self.distance_key(distances[0], training=training)  # 2S-1 N D
            bias = bias + by_place(_products(query, keys))
        if "p2c" in self.kinds:
            queries = self.distance_query(distances[1], training=training) * self.scale
            by_key = by_place(_products(key, queries))
            bias = bias + ops.transpose(by_key, (0, 1, 3, 2))
        context, *probabilities = self.attend(query, key, value, bias, training)
        output = self.output_projection(context, training=training)
        return (output, *probabilities) if probabilities else output

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        own = {"kinds": self.kinds, "shared": self.shared}
        return {**super().get_config(), **own, "distance_dropout": self.distance_dropout.rate}


def _products(tokens: Any, distances: Any) -> Any:
    """``(B, S, N, D)`` and ``(2 S - 1, N, D)`` to ``(B, N, S, 2 S - 1)``."""
    return ops.matmul(
        ops.transpose(tokens, (0, 2, 1, 3)), ops.expand_dims(ops.transpose(distances, (1, 2, 0)), 0)
    )


@keras.saving.register_keras_serializable("keras_bert_zoo")
class DisentangledBlock(EncoderBlock):
    """A block with disentangled attention.

    Args:
        kinds: see ``DisentangledAttention``.
        shared: see there.
        **kwargs: of ``EncoderBlock``.
    """

    lora_targets = ("query_proj", "value_proj")

    def __init__(self, *, kinds: Iterable[str], shared: bool, **kwargs: Any) -> None:
        self.kinds, self.shared = tuple(kinds), shared
        super().__init__(**kwargs)

    def attend_with(self, **options: Any) -> Any:
        """Attention that knows distances."""
        return DisentangledAttention(
            kinds=self.kinds,
            shared=self.shared,
            distance_dropout=self.arguments["dropout"],
            **options,
        )

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by the names that Hugging Face gives them."""
        return {
            name.replace(f".self.{part}", f".self.{part}_proj"): layer
            for name, layer in super().projections.items()
            for part in [name.rpartition(".")[2]]
        }

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        return (*super().drops, self.attention.distance_dropout)

    def call(
        self, hidden: Any, bias: Any, training: bool | None = None, distances: Any = None
    ) -> Any:
        """Transforms ``(B, S, H)``; also returns the attention probabilities ``(B, N, S, S)``."""
        return self.run(training, hidden, bias=bias, distances=distances)

    def of_first(self, hidden: Any, **context: Any) -> Any:
        """What becomes of the first token; distances are those of all."""
        return Block.of_first(self, hidden, **context)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "kinds": self.kinds, "shared": self.shared}
