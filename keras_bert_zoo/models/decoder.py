"""Decoders as functional ``keras.Model``s, and how they write token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_bert_zoo.generator_config import DecoderConfig
from keras_bert_zoo.layers import (
    AttentionBias,
    Causal,
    DecoderBlock,
    Embeddings,
    Kept,
    LayerNorm,
    SameDocument,
)
from keras_bert_zoo.layers.attention import bias_of
from keras_bert_zoo.layers.decoder_block import put
from keras_bert_zoo.models.bert import block_sizes
from keras_bert_zoo.models.configured import Configured, embedding_sizes

# The encoder's hidden states, and which of them exist.
MEMORY = ("encoder_hidden_states", "encoder_attention_mask")


class Written(NamedTuple):
    """What a decoder knows of the tokens it has seen; of a batch of ``B`` rows.

    Args:
        kept: keys and values of each layer, ``(B, N, C, D)``, with room for ``C`` tokens.
        seen: which of the ``C`` places hold a token, int32 ``(B, C)``.
        place: where the next token is written, an int32 scalar; ``None`` if there is no room left,
            and what is kept grows.
        positions: position of the next token of each row, int32 ``(B,)``.
    """

    kept: tuple[Kept, ...]
    seen: Any
    place: Any
    positions: Any


class Memory(NamedTuple):
    """What a decoder knows of the text that an encoder has read.

    Args:
        kept: keys and values of each layer, ``(B, N, M, D)``; none without an encoder.
        bias: of attention to them, ``(B, 1, 1, M)``.
    """

    kept: tuple[Kept, ...] = ()
    bias: Any = ()


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Decoder(Configured):
    """A decoder without a head: BERT's, GPT-2's, or that of the Transformer.

    Inputs are a dict of int32 ``(B, S)``: ``input_ids``, and ``attention_mask``, 1 for tokens and
    0 for padding; with an encoder float ``encoder_hidden_states`` ``(B, M, H)`` and int32
    ``encoder_attention_mask`` ``(B, M)``. The output is a dict with ``last_hidden_state``
    ``(B, S, H)``: each token sees itself, those before it, and the encoder's. With ``prefix_lm`` in
    the config there is no encoder: ``token_type_ids``, a third input ``(B, S)``, are 0 for what is
    read, which sees all of itself, and 1 for what is written behind it.

    Args:
        config: sizes and choices.
        packed: whether a row holds several documents, see ``Encoder``; the masks are then the
            numbers of the documents, and a document sees the encoder's of its own number.
        embeddings: a layer to share with an encoder.
        encoder_blocks: of an encoder, one for each layer, whose self-attention and feed-forward
            layers the decoder uses too; with none it has its own.
        fused_attention: see ``Encoder``.
        recompute: see ``Encoder``.
        dtype: dtype policy of the layers; the global one by default.
    """

    task: str | None = None
    config_class = DecoderConfig

    def __init__(
        self,
        config: DecoderConfig,
        *,
        packed: bool = False,
        embeddings: Embeddings | None = None,
        encoder_blocks: Sequence[Any] = (),
        fused_attention: bool = False,
        recompute: bool = False,
        dtype: Any = None,
        name: str = "decoder",
        **kwargs: Any,
    ) -> None:
        choices = config.choices
        inside = {"fused_attention": fused_attention, "recompute": recompute, "dtype": dtype}

        # === Layers ===
        self_bias = AttentionBias(packed=packed, name="attention_bias", dtype=dtype)
        across = SameDocument if packed else AttentionBias
        memory_bias = across(name="memory_bias", dtype=dtype) if config.cross_attention else None
        blocks = [
            DecoderBlock(
                **block_sizes(config),
                cross_attention=config.cross_attention,
                norm_first=choices.norm_first,
                tied=tied,
                **inside,
                name=f"layer_{index}",
            )
            for index, tied in enumerate(encoder_blocks or [None] * config.num_hidden_layers)
        ]
        final_norm = None
        if choices.norm_first:
            final_norm = LayerNorm(config.layer_norm_eps, name="final_norm", dtype=dtype)

        # === Functional graph ===
        inputs = _inputs(config, packed)
        # The scope makes variable paths read `decoder/layer_0/attention/query/kernel`.
        with keras.name_scope("decoder"):
            shared = embeddings is not None
            embeddings = embeddings or decoder_embeddings(config, dtype)
            ids, mask = inputs["input_ids"], inputs["attention_mask"]
            segments = inputs.get("token_type_ids")
            hidden = embeddings(ids, segments, position_ids=inputs.get("position_ids"))
            causal = Causal(prefix=config.prefix, name="causal", dtype=dtype)
            context = {"bias": causal(ids if segments is None else segments, self_bias(mask))}
            if memory_bias is not None:
                memory, memory_mask = (inputs[name] for name in MEMORY)
                numbers = (mask, memory_mask) if packed else (memory_mask,)
                context |= {"memory": memory, "memory_bias": memory_bias(*numbers)}
            for block in blocks:
                hidden = block(hidden, **context)
            if final_norm is not None:
                hidden = final_norm(hidden)
        super().__init__(inputs=inputs, outputs={"last_hidden_state": hidden}, name=name, **kwargs)

        # === Config ===
        self.config = config
        self.shares_embeddings = shared
        self.options = {
            "packed": packed,
            "fused_attention": fused_attention,
            "recompute": recompute,
        }
        # Behind functions, because layers that are attributes would be tracked twice.
        self._parts = lambda: (embeddings, blocks, final_norm)
        self.dtype_policy = embeddings.dtype_policy

    @property
    def embeddings(self) -> Embeddings:
        """The layer that holds the word table."""
        return self._parts()[0]

    def start(self, batch: Any, capacity: int) -> Written:
        """What is known before anything is written.

        Args:
            batch: ``B``, the number of rows.
            capacity: ``C``, tokens that there is to be room for.
        """
        config, dtype = self.config, self.dtype_policy.compute_dtype
        shape = (batch, config.num_attention_heads, capacity, config.head_size)
        kept = tuple(
            (ops.zeros(shape, dtype), ops.zeros(shape, dtype))
            for _ in range(config.num_hidden_layers)
        )
        seen = ops.zeros((batch, capacity), "int32")
        return Written(kept, seen, ops.zeros((), "int32"), ops.zeros((batch,), "int32"))

    def read(self, hidden: Any = None, mask: Any = None) -> Memory:
        """What is known of the text that an encoder has read.

        Args:
            hidden: its ``last_hidden_state`` ``(B, M, H)``; ``None`` without an encoder.
            mask: which of them exist, int ``(B, M)``.
        """
        if hidden is None:
            return Memory()
        _, blocks, _ = self._parts()
        kept = tuple(block.remember_encoder(hidden) for block in blocks)
        return Memory(kept, bias_of(mask[:, None, None, :], self.dtype_policy.compute_dtype))

    def extend(
        self,
        input_ids: Any,
        written: Written,
        memory: Memory,
        mask: Any = None,
        begins: bool = False,
    ) -> tuple[Any, Written]:
        """Reads further tokens.

        Args:
            input_ids: int32 ``(B, S)``.
            written: what was known before; with room for ``S`` tokens.
            memory: of the encoder.
            mask: 1 for tokens and 0 for the padding that may follow them, int32 ``(B, S)``; by
                default there is none.
            begins: whether these are the first ones, what is read of a prefix.

        Returns:
            Their hidden states ``(B, S, H)``, and what is known now.
        """
        batch, length = ops.shape(input_ids)[:2]
        mask = ops.ones((batch, length), "int32") if mask is None else ops.cast(mask, "int32")
        offsets = ops.arange(length, dtype="int32")
        grows = written.place is None
        place = ops.shape(written.seen)[1] if grows else written.place
        seen = put(written.seen, mask, written.place, axis=1)
        places = ops.arange(ops.shape(seen)[1], dtype="int32")
        reads = self.config.prefix and begins
        # What is read sees all of itself, what is written nothing that follows.
        last = ops.full_like(offsets, length - 1) if reads else offsets
        before = places[None, :] <= (place + last)[:, None]  # S C
        allowed = before[None] & (seen[:, None, :] > 0)  # B S C
        positions = written.positions[:, None] + offsets[None, :]
        segment = 0 if reads else 1
        hidden, kept = self._through(input_ids, positions, segment, allowed, written, memory)
        after = None if grows else place + length
        return hidden, Written(kept, seen, after, written.positions + ops.sum(mask, axis=1))

    def branch(
        self, input_ids: Any, written: Written, memory: Memory, seen: Any
    ) -> tuple[Any, Written]:
        """Reads tokens that go on from a text side by side, all at the same position.

        Args:
            input_ids: int32 ``(B, S)``.
            written: what was known before; with room for ``S`` tokens.
            memory: of the encoder.
            seen: which of the ``C`` places each of them sees, its own among them, bool
                ``(B, S, C)``.

        Returns:
            Their hidden states ``(B, S, H)``, and what is known now.
        """
        positions = ops.broadcast_to(written.positions[:, None], ops.shape(input_ids))
        hidden, kept = self._through(input_ids, positions, 1, seen, written, memory)
        place = written.place + ops.shape(input_ids)[1]
        return hidden, Written(kept, written.seen, place, written.positions + 1)

    def _through(
        self,
        input_ids: Any,
        positions: Any,
        segment: int,
        allowed: Any,
        written: Written,
        memory: Memory,
    ) -> tuple[Any, tuple[Kept, ...]]:
        """Hidden states ``(B, S, H)`` of tokens that see what is ``allowed``, and what is kept."""
        embeddings, blocks, final_norm = self._parts()
        bias = bias_of(allowed[:, None], self.dtype_policy.compute_dtype)
        segments = ops.full_like(input_ids, segment) if self.config.prefix else None
        hidden = embeddings(input_ids, segments, position_ids=positions)
        kept = []
        for index, block in enumerate(blocks):
            across = (memory.kept[index], memory.bias) if memory.kept else (None, None)
            hidden, new = block.extend(hidden, written.kept[index], written.place, bias, *across)
            kept.append(new)
        if final_norm is not None:
            hidden = final_norm(hidden)
        return hidden, tuple(kept)


def _inputs(config: DecoderConfig, packed: bool) -> dict[str, keras.KerasTensor]:
    names = ["input_ids", "attention_mask"]
    names += ["token_type_ids"] * config.prefix + ["position_ids"] * packed
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    if config.cross_attention:
        states, mask = MEMORY
        inputs[states] = keras.Input((None, config.hidden_size), name=states)
        inputs[mask] = keras.Input((None,), dtype="int32", name=mask)
    return inputs


def decoder_embeddings(config: DecoderConfig, dtype: Any) -> Embeddings:
    """The layer that embeds tokens, as the architecture has it."""
    choices = {
        "padding": config.pad_token_id if config.position_offset else None,
        "position_embedding_type": config.position_embedding_type,
        **config.choices.embeddings(config),
    }
    return Embeddings(**{**embedding_sizes(config), **choices}, dtype=dtype, name="embeddings")
