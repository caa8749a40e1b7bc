"""A Transformer block that works on narrower vectors than it passes on, as in MobileBERT."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.layers import activations
from keras_bert_zoo.layers.attention import SelfAttention
from keras_bert_zoo.layers.block import Block
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import normalization


class Step(keras.layers.Layer):
    """A linear layer, what is added to its result, and a normalisation.

    Args:
        units: width of the result.
        dropout: rate behind the linear layer.
        initializer_range: standard deviation of the kernel.
        normalization_type: see ``normalization``.
        epsilon: likewise.
    """

    def __init__(
        self,
        units: int,
        *,
        dropout: float,
        initializer_range: float,
        normalization_type: str,
        epsilon: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.dense = Linear(units, initializer_range=initializer_range, name="dense", dtype=policy)
        self.dropout = Dropout(dropout, name="dropout", dtype=policy)
        self.norm = normalization(normalization_type, epsilon, name="norm", dtype=policy)

    def build(self, shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds both."""
        self.dense.build(shape)
        self.norm.build((*shape[:-1], self.dense.units))

    def call(self, x: Any, added: Any = None, training: bool | None = None) -> Any:
        """``(B, S, width)`` to ``(B, S, units)``."""
        x = self.dropout(self.dense(x, training=training), training=training)
        return self.norm(x if added is None else added + x)


class FeedForward(keras.layers.Layer):
    """A linear layer with an activation, and a step back with a residual.

    Args:
        intermediate_size: width between them.
        units: width outside.
        activation: by the name in ``layers.activations``.
        initializer_range: standard deviation of the kernels.
        options: of the ``Step``.
    """

    def __init__(
        self,
        intermediate_size: int,
        units: int,
        *,
        activation: str,
        initializer_range: float,
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        activations.get(activation)  # an unknown name fails here
        self.activation = activation
        shared = {"initializer_range": initializer_range, "dtype": self.dtype_policy}
        self.intermediate = Linear(intermediate_size, name="intermediate", **shared)
        self.step = Step(units, name="output", **shared, **options)

    def build(self, shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds both."""
        self.intermediate.build(shape)
        self.step.build((*shape[:-1], self.intermediate.units))

    def call(self, x: Any, training: bool | None = None) -> Any:
        """Transforms ``(B, S, units)``."""
        activation = activations.get(self.activation, training)
        widened = activation(self.intermediate(x, training=training))
        return self.step(widened, x, training=training)


class BottleneckAttention(SelfAttention):
    """Attention whose queries and keys may be made of other vectors than its values."""

    def build(
        self,
        hidden_shape: tuple[int | None, ...],
        averaged_shape: tuple[int | None, ...] = (),
        *_: Any,
    ) -> None:
        """Builds the four projections."""
        self.query.build(hidden_shape)
        self.key.build(hidden_shape)
        self.value.build(averaged_shape)
        self.output_projection.build((*hidden_shape[:-1], self.num_heads, self.head_size))

    def call(
        self, hidden: Any, bias: Any, training: bool | None = None, averaged: Any = None
    ) -> Any:
        """Attends, see ``SelfAttention``; values are made of ``averaged``."""
        return self.mix(hidden, hidden, averaged, bias, training)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class BottleneckBlock(Block):
    """Attention and several feed-forward layers between two changes of width.

    Sun et al. 2020 (arXiv:2004.02984), sections 3.1 and 3.2, figure 1. Inside, vectors have the
    width of all heads, ``W``.

    Args:
        num_heads: attention heads.
        head_size: width of one head.
        hidden_size: ``H``.
        intermediate_size: width within a feed-forward layer.
        activation: its activation, by the name in ``layers.activations``.
        networks: how many feed-forward layers there are.
        bottleneck: whether ``W`` differs from ``H``: without one nothing changes the width.
        compares_apart: whether queries and keys have a bottleneck of their own, and values, which
            are made of the block's input, none.
        normalization_type: see ``normalization``.
        dropout: rate behind what leaves the bottleneck; without one, behind attention and the last
            feed-forward layer.
        attention_dropout: rate on the attention probabilities.
        epsilon: of the normalisations.
        output_epsilon: of that behind the last feed-forward layer.
        initializer_range: standard deviation of the kernels.
        fused_attention: see ``Attention``; the probabilities are not returned then.
        recompute: see ``EncoderBlock``.
    """

    def __init__(
        self,
        *,
        num_heads: int,
        head_size: int,
        hidden_size: int,
        intermediate_size: int,
        activation: str = "relu",
        networks: int = 4,
        bottleneck: bool = True,
        compares_apart: bool = True,
        normalization_type: str = "no_norm",
        dropout: float = 0.0,
        attention_dropout: float = 0.1,
        epsilon: float = 1e-12,
        output_epsilon: float = 1e-5,
        initializer_range: float = 0.02,
        fused_attention: bool = False,
        recompute: bool = False,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "num_heads": num_heads,
            "head_size": head_size,
            "hidden_size": hidden_size,
            "intermediate_size": intermediate_size,
            "activation": activation,
            "networks": networks,
            "bottleneck": bottleneck,
            "compares_apart": compares_apart,
            "normalization_type": normalization_type,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "epsilon": epsilon,
            "output_epsilon": output_epsilon,
            "initializer_range": initializer_range,
            "fused_attention": fused_attention,
            "recompute": recompute,
        }
        super().__init__(arguments, **kwargs)
        width, inner_dropout = num_heads * head_size, 0.0 if bottleneck else dropout
        shared = {"initializer_range": initializer_range, "dtype": self.dtype_policy}
        norm: dict[str, Any] = {"normalization_type": normalization_type, "epsilon": epsilon}

        def step(units: int, name: str, dropout: float = 0.0) -> Step:
            return Step(units, dropout=dropout, name=name, **norm, **shared)

        def feed_forward(name: str, **changes: Any) -> FeedForward:
            return FeedForward(
                intermediate_size,
                width,
                activation=activation,
                options={"dropout": 0.0, **norm, **changes},
                name=name,
                **shared,
            )

        self.narrow = step(width, "bottleneck_input") if bottleneck else None
        self.narrow_compared = step(width, "bottleneck_attention") if compares_apart else None
        self.attention = BottleneckAttention(
            num_heads,
            head_size,
            dropout=attention_dropout,
            fused=fused_attention,
            name="attention",
            **shared,
        )
        self.attention_dropout = Dropout(
            inner_dropout, name="attention_dropout", dtype=self.dtype_policy
        )
        self.attention_norm = normalization(
            normalization_type, epsilon, name="attention_norm", dtype=self.dtype_policy
        )
        self.networks = [
            *(feed_forward(f"ffn_{index}") for index in range(networks - 1)),
            feed_forward("ffn", dropout=inner_dropout, epsilon=output_epsilon),
        ]
        self.widen = step(hidden_size, "bottleneck_output", dropout) if bottleneck else None

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by the names that Hugging Face gives them."""
        steps = {
            "bottleneck.input.dense": self.narrow,
            "bottleneck.attention.dense": self.narrow_compared,
            "output.bottleneck.dense": self.widen,
        }
        further = {f"ffn.{index}.": each for index, each in enumerate(self.networks[:-1])}
        networks = {**further, "": self.networks[-1]}
        return {
            "attention.self.query": self.attention.query,
            "attention.self.key": self.attention.key,
            "attention.self.value": self.attention.value,
            "attention.output.dense": self.attention.output_projection,
            **{f"{name}intermediate.dense": each.intermediate for name, each in networks.items()},
            **{f"{name}output.dense": each.step.dense for name, each in networks.items()},
            **{name: each.dense for name, each in steps.items() if each is not None},
        }

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        steps = [*(each.step for each in self.networks), *([self.widen] if self.widen else [])]
        return (self.attention.dropout, self.attention_dropout, *(each.dropout for each in steps))

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the sub-layers."""
        narrow_shape = (*hidden_shape[:-1], self.attention.num_heads * self.attention.head_size)
        apart = self.narrow_compared is not None
        for step in (self.narrow, self.narrow_compared):
            if step is not None:
                step.build(hidden_shape)
        self.attention.build(narrow_shape, hidden_shape if apart else narrow_shape)
        self.attention_norm.build(narrow_shape)
        for network in self.networks:
            network.build(narrow_shape)
        if self.widen is not None:
            self.widen.build(narrow_shape)

    def call(self, hidden: Any, bias: Any, training: bool | None = None) -> Any:
        """Transforms ``(B, S, H)``; also returns the attention probabilities ``(B, N, S, S)``."""
        return self.run(training, hidden, bias=bias)

    def transform(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """Hidden states and, where not fused, the probabilities."""
        entering = self.narrow(hidden, training=training) if self.narrow else hidden
        compared = averaged = entering
        if self.narrow_compared is not None:
            compared, averaged = self.narrow_compared(hidden, training=training), hidden
        attended = self.attention(compared, **context, averaged=averaged, training=training)
        attended, *probabilities = [attended] if self.attention.fused else attended
        attended = self.attention_dropout(attended, training=training)
        output = self.attention_norm(entering + attended)
        for network in self.networks:
            output = network(output, training=training)
        if self.widen is not None:
            output = self.widen(output, hidden, training=training)
        return (output, *probabilities) if probabilities else output
