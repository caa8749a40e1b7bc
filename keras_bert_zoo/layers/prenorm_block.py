"""A Transformer encoder block that normalises what enters its sub-layers, as in ModernBERT."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers import activations
from keras_bert_zoo.layers.block import Block
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import LayerNorm
from keras_bert_zoo.layers.rotary import RotaryAttention


@keras.saving.register_keras_serializable("keras_bert_zoo")
class PreNormBlock(Block):
    """Rotary attention and a gated feed-forward layer, each added to what entered it.

    Warner et al. 2024 (arXiv:2412.13663), section 2.1.1; the gate is that of Shazeer 2020
    (arXiv:2002.05202), section 2.

    Args:
        num_heads: attention heads.
        head_size: width of one head.
        intermediate_size: width of the feed-forward layer, and of its gate.
        activation: its activation, by the name in ``layers.activations``.
        norm_first: whether attention has a normalisation: not behind that of the embeddings.
        attention_bias: whether the projections of attention have a bias.
        mlp_bias: whether those of the feed-forward layer have one.
        norm_bias: whether the normalisations have one.
        dropout: rate behind the gate.
        attention_dropout: rate on the attention probabilities, and behind attention.
        epsilon: of the normalisations.
        initializer_range: standard deviation of the kernels.
        output_range: of those that are added to what entered.
        fused_attention: see ``Attention``; the probabilities are not returned then.
        recompute: see ``EncoderBlock``.
    """

    lora_targets = ("Wqkv",)

    def __init__(
        self,
        *,
        num_heads: int,
        head_size: int,
        intermediate_size: int,
        activation: str = "gelu",
        norm_first: bool = True,
        attention_bias: bool = False,
        mlp_bias: bool = False,
        norm_bias: bool = False,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        epsilon: float = 1e-5,
        initializer_range: float = 0.02,
        output_range: float = 0.02,
        fused_attention: bool = False,
        recompute: bool = False,
        **kwargs: Any,
    ) -> None:
        arguments = {
            "num_heads": num_heads,
            "head_size": head_size,
            "intermediate_size": intermediate_size,
            "activation": activation,
            "norm_first": norm_first,
            "attention_bias": attention_bias,
            "mlp_bias": mlp_bias,
            "norm_bias": norm_bias,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "epsilon": epsilon,
            "initializer_range": initializer_range,
            "output_range": output_range,
            "fused_attention": fused_attention,
            "recompute": recompute,
        }
        super().__init__(arguments, **kwargs)
        policy = self.dtype_policy
        self.attention = RotaryAttention(
            num_heads,
            head_size,
            use_bias=attention_bias,
            dropout=attention_dropout,
            initializer_range=initializer_range,
            output_range=output_range,
            fused=fused_attention,
            name="attention",
            dtype=policy,
        )
        norm = {"epsilon": epsilon, "use_bias": norm_bias, "dtype": policy}
        self.attention_norm = LayerNorm(name="attention_norm", **norm) if norm_first else None
        self.mlp_norm = LayerNorm(name="mlp_norm", **norm)
        activations.get(activation)  # an unknown name fails here
        linear = {"use_bias": mlp_bias, "dtype": policy}
        self.intermediate = Linear(
            2 * intermediate_size,
            initializer_range=initializer_range,
            name="intermediate",
            **linear,
        )
        self.output_projection = Linear(
            num_heads * head_size, initializer_range=output_range, name="output", **linear
        )
        self.attention_dropout = Dropout(attention_dropout, name="attention_dropout", dtype=policy)
        self.inner_dropout = Dropout(dropout, name="inner_dropout", dtype=policy)

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by the names that Hugging Face gives them."""
        return {
            "attn.Wqkv": self.attention.qkv,
            "attn.Wo": self.attention.output_projection,
            "mlp.Wi": self.intermediate,
            "mlp.Wo": self.output_projection,
        }

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        return (self.attention.dropout, self.attention_dropout, self.inner_dropout)

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the sub-layers."""
        if self.attention_norm is not None:
            self.attention_norm.build(hidden_shape)
        self.attention.build(hidden_shape)
        self.mlp_norm.build(hidden_shape)
        self.intermediate.build(hidden_shape)
        self.output_projection.build((*hidden_shape[:-1], self.arguments["intermediate_size"]))

    def call(self, hidden: Any, bias: Any, rotations: Any, training: bool | None = None) -> Any:
        """Transforms ``(B, S, H)``; also returns the attention probabilities ``(B, N, S, S)``."""
        return self.run(training, hidden, bias=bias, rotations=rotations)

    def transform(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """Hidden states and, where not fused, the probabilities."""
        entering = hidden
        if self.attention_norm is not None:
            entering = self.attention_norm(hidden, training=training)
        attended = self.attention(entering, **context, training=training)
        attended, *probabilities = [attended] if self.attention.fused else attended
        hidden = hidden + self.attention_dropout(attended, training=training)
        activation = activations.get(self.arguments["activation"], training)
        widened = self.intermediate(self.mlp_norm(hidden, training=training), training=training)
        value, gate = ops.split(widened, 2, axis=-1)
        gated = self.inner_dropout(activation(value) * gate, training=training)
        output = hidden + self.output_projection(gated, training=training)
        return (output, *probabilities) if probabilities else output
