"""One Transformer block that goes on from what it has seen."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.attention import SelfAttention
from keras_bert_zoo.layers.block import EncoderBlock, SubLayer
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import LayerNorm

# Keys and values, both (B, N, M, D).
Kept = tuple[Any, Any]


@keras.saving.register_keras_serializable("keras_bert_zoo")
class DecoderBlock(EncoderBlock):
    """Self-attention, attention to an encoder, and feed-forward, each with a residual.

    Vaswani et al. 2017 (arXiv:1706.03762), section 3.1.

    Args:
        cross_attention: whether there is attention to an encoder.
        **sizes: of ``EncoderBlock``; with ``tied``, attention to an encoder is its own.
    """

    def __init__(self, *, cross_attention: bool = False, **sizes: Any) -> None:
        super().__init__(**sizes)
        given = self.arguments
        self.arguments = {**given, "cross_attention": cross_attention}
        self.cross_attention: SelfAttention | None = None
        if cross_attention:
            policy = self.dtype_policy
            self.cross_attention = SelfAttention(
                num_heads=given["num_heads"],
                head_size=given["head_size"],
                dropout=given["attention_dropout"],
                initializer_range=given["initializer_range"],
                fused=given["fused_attention"],
                name="cross_attention",
                dtype=policy,
            )
            self.cross_norm = LayerNorm(given["epsilon"], name="cross_norm", dtype=policy)
            self.cross_dropout = Dropout(given["dropout"], name="cross_dropout", dtype=policy)

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by BERT's names."""
        across = self.cross_attention
        if across is None:
            return super().projections
        return {
            **super().projections,
            "crossattention.self.query": across.query,
            "crossattention.self.key": across.key,
            "crossattention.self.value": across.value,
            "crossattention.output.dense": across.output_projection,
        }

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        if self.cross_attention is None:
            return super().drops
        return (*super().drops, self.cross_attention.dropout, self.cross_dropout)

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the sub-layers; what comes from an encoder has the same width."""
        super().build(hidden_shape)
        if self.cross_attention is not None:
            self.cross_attention.build(hidden_shape)
            self.cross_norm.build(hidden_shape)

    def call(
        self,
        hidden: Any,
        bias: Any,
        training: bool | None = None,
        memory: Any = None,
        memory_bias: Any = None,
    ) -> Any:
        """Transforms ``(B, S, H)``.

        Args:
            hidden: ``(B, S, H)``.
            bias: of attention to themselves, broadcastable to ``(B, N, S, S)``.
            training: whether dropout is on.
            memory: what an encoder says, ``(B, M, H)``.
            memory_bias: of attention to it, broadcastable to ``(B, N, S, M)``.
        """
        context = {"bias": bias}
        if self.cross_attention is not None:
            context |= {"memory": memory, "memory_bias": memory_bias}
        return self.run(training, hidden, **context)

    def transform(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """Hidden states."""

        def attend(x: Any, training: bool | None) -> Any:
            attended = self.attention(x, context["bias"], training=training)
            return self.attention_dropout(_without_probabilities(attended), training=training)

        def attend_across(x: Any, training: bool | None) -> Any:
            attended = self._across(
                x, context["memory_bias"], training=training, memory=context["memory"]
            )
            return self.cross_dropout(_without_probabilities(attended), training=training)

        return self.through(hidden, self._attending(attend, attend_across), training)

    def extend(
        self,
        hidden: Any,
        kept: Kept,
        place: Any,
        bias: Any,
        memory: Kept | None = None,
        memory_bias: Any = None,
    ) -> tuple[Any, Kept]:
        """Transforms the tokens that follow those whose keys and values are kept.

        Args:
            hidden: of the new tokens, ``(B, S, H)``.
            kept: of all tokens, written so far up to ``place``, both ``(B, N, C, D)``.
            place: where those of the new tokens are written, an int32 scalar; see ``put``.
            bias: of the new tokens' attention to all, broadcastable to ``(B, N, S, C)``.
            memory: keys and values of the encoder, both ``(B, N, M, D)``, see
                ``remember_encoder``.
            memory_bias: of attention to it, broadcastable to ``(B, N, S, M)``.

        Returns:
            The hidden states ``(B, S, H)``, and what is kept.
        """
        new: list[Any] = []

        def attend(x: Any, training: bool | None) -> Any:
            fresh = self.attention.remember(x)
            new.extend(put(old, part, place, axis=2) for old, part in zip(kept, fresh, strict=True))
            return self.attention.recall(x, *new, bias)

        def attend_across(x: Any, training: bool | None) -> Any:
            assert memory is not None
            return self._across.recall(x, *memory, memory_bias)

        hidden = self.through(hidden, self._attending(attend, attend_across), False)
        return hidden, (new[0], new[1])

    def remember_encoder(self, memory: Any) -> Kept:
        """Keys and values of what an encoder says, ``(B, M, H)`` to ``(B, N, M, D)`` both."""
        return self._across.remember(memory)

    @property
    def _across(self) -> SelfAttention:
        assert self.cross_attention is not None
        return self.cross_attention

    def _attending(self, attend: SubLayer, across: SubLayer) -> list[tuple[LayerNorm, SubLayer]]:
        parts = [(self.attention_norm, attend)]
        return parts if self.cross_attention is None else [*parts, (self.cross_norm, across)]

    def compute_output_shape(self, hidden_shape: tuple[int | None, ...], *_: Any) -> Any:
        """Shape of the hidden states."""
        return hidden_shape


def put(kept: Any, new: Any, place: Any, axis: int) -> Any:
    """Writes what is new into what is kept, at a place on an axis; ``None`` is behind it."""
    if place is None:
        return ops.concatenate([kept, new], axis=axis)
    start = [place if index == axis else 0 for index in range(len(kept.shape))]
    return ops.slice_update(kept, start, new)


def _without_probabilities(attended: Any) -> Any:
    return attended[0] if isinstance(attended, tuple) else attended
