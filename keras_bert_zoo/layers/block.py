"""One Transformer encoder block, normalised after each sub-layer as in BERT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras

from keras_bert_zoo.layers import activations
from keras_bert_zoo.layers.attention import Attention, SelfAttention
from keras_bert_zoo.layers.dropout import Dropout, repeating
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import LayerNorm

# Of hidden states, and whether dropout is on.
SubLayer = Callable[[Any, bool | None], Any]


class Block(keras.layers.Layer):
    """What blocks share: they can be computed a second time instead of being kept.

    A subclass has ``projections``, its linear layers by the names that Hugging Face gives them,
    ``drops``, and ``transform``, what ``call`` runs.

    Args:
        **arguments: of the constructor, for ``get_config``; with ``recompute``, see
            ``EncoderBlock``.
    """

    attention: Attention
    # Of the ends of names in `projections`, those that get an update of low rank by default.
    lora_targets: ClassVar[tuple[str, ...]] = ("query", "value")

    def __init__(self, arguments: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by the names that Hugging Face gives them."""
        raise NotImplementedError

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        raise NotImplementedError

    def transform(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """Hidden states and, where not fused, attention probabilities."""
        raise NotImplementedError

    def run(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """``transform``, in training with what ``recompute`` asks."""
        if not (training and self.arguments["recompute"]):
            return self.transform(training, hidden, **context)
        # Drawn before, for the second pass must drop what the first one dropped.
        drops = [layer for layer in self.drops if layer.rate]
        seeds = [layer.seed_generator.next() for layer in drops]

        def again(hidden: Any, *values: Any) -> Any:
            with repeating(drops, seeds):
                named = dict(zip(context, values, strict=True))
                return self.transform(training, hidden, **named)

        return keras.remat(again)(hidden, *context.values())

    def of_first(self, hidden: Any, **context: Any) -> Any:
        """What becomes of the first token of ``(B, S, H)``: ``(B, 1, H)``."""
        output = self(hidden, **context)
        return (output if self.attention.fused else output[0])[:, :1]

    def compute_output_shape(
        self, hidden_shape: tuple[int | None, ...], bias_shape: tuple[int | None, ...], *_: Any
    ) -> Any:
        """Shapes of the hidden states and, where not fused, the probabilities."""
        return self.attention.compute_output_shape(hidden_shape, bias_shape)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class EncoderBlock(Block):
    """Self-attention and feed-forward, each with dropout, residual and normalisation.

    Devlin et al. 2018 (arXiv:1810.04805), section 3; Vaswani et al. 2017, section 3.1.

    Args:
        num_heads: attention heads.
        head_size: width of one head.
        intermediate_size: width of the feed-forward layer.
        activation: its activation, by the name in ``layers.activations``.
        dropout: rate after each sub-layer.
        attention_dropout: rate on the attention probabilities.
        epsilon: of the normalisations.
        initializer_range: standard deviation of the kernels.
        fused_attention: see ``SelfAttention``; the probabilities are not returned then.
        recompute: whether training keeps only the input of the block and computes the rest
            again for the gradient: less memory for a second forward pass.
        norm_first: whether what enters a sub-layer is normalised, instead of the sum behind it
            (Radford et al. 2019, section 2.3).
        tied: a block of the same sizes that was called before, whose layers this one uses instead
            of own ones.
    """

    def __init__(
        self,
        *,
        num_heads: int,
        head_size: int,
        intermediate_size: int,
        activation: str = "gelu",
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        fused_attention: bool = False,
        recompute: bool = False,
        norm_first: bool = False,
        tied: EncoderBlock | None = None,
        **kwargs: Any,
    ) -> None:
        arguments: dict[str, Any] = {
            "num_heads": num_heads,
            "head_size": head_size,
            "intermediate_size": intermediate_size,
            "activation": activation,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "epsilon": epsilon,
            "initializer_range": initializer_range,
            "fused_attention": fused_attention,
            "recompute": recompute,
            "norm_first": norm_first,
        }
        super().__init__(arguments, **kwargs)
        self.is_tied = tied is not None
        if tied is None:
            self._make_layers()
        else:
            self._tie(tied)
        # Named, because an automatic name, and the path of the seed, counts every layer made.
        policy = self.dtype_policy
        self.attention_dropout = Dropout(dropout, name="attention_dropout", dtype=policy)
        self.output_dropout = Dropout(dropout, name="output_dropout", dtype=policy)

    def _make_layers(self) -> None:
        given, policy = self.arguments, self.dtype_policy
        hidden, epsilon = given["num_heads"] * given["head_size"], given["epsilon"]
        shared = {"initializer_range": given["initializer_range"], "dtype": policy}
        self.attention = self.attend_with(
            num_heads=given["num_heads"],
            head_size=given["head_size"],
            dropout=given["attention_dropout"],
            fused=given["fused_attention"],
            name="attention",
            **shared,
        )
        self.attention_norm = LayerNorm(epsilon, name="attention_norm", dtype=policy)
        self.intermediate = Linear(given["intermediate_size"], name="intermediate", **shared)
        activations.get(given["activation"])  # an unknown name fails here
        self.output_projection = Linear(hidden, name="output", **shared)
        self.output_norm = LayerNorm(epsilon, name="output_norm", dtype=policy)

    def _tie(self, other: EncoderBlock) -> None:
        self.attention, self.attention_norm = other.attention, other.attention_norm
        self.intermediate = other.intermediate
        self.output_projection, self.output_norm = other.output_projection, other.output_norm

    def attend_with(self, **options: Any) -> Any:
        """The kind of attention."""
        return SelfAttention(**options)

    @property
    def projections(self) -> dict[str, Linear]:
        """The linear layers, by the names that Hugging Face gives them."""
        return {
            "attention.self.query": self.attention.query,
            "attention.self.key": self.attention.key,
            "attention.self.value": self.attention.value,
            "attention.output.dense": self.attention.output_projection,
            "intermediate.dense": self.intermediate,
            "output.dense": self.output_projection,
        }

    @property
    def drops(self) -> tuple[Dropout, ...]:
        """Every dropout inside."""
        return (self.attention.dropout, self.attention_dropout, self.output_dropout)

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the sub-layers; those of another block are built."""
        if self.is_tied:
            return
        self.attention.build(hidden_shape)
        self.attention_norm.build(hidden_shape)
        self.intermediate.build(hidden_shape)
        self.output_projection.build((*hidden_shape[:-1], self.intermediate.units))
        self.output_norm.build(hidden_shape)

    def call(self, hidden: Any, bias: Any, training: bool | None = None, memory: Any = None) -> Any:
        """Transforms ``(B, S, H)``; also returns the attention probabilities ``(B, N, S, M)``.

        Args:
            hidden: ``(B, S, H)``.
            bias: of attention, broadcastable to ``(B, N, S, M)``.
            training: whether dropout is on.
            memory: what is attended to, ``(B, M, H)``; by default ``hidden``. Not where
                ``norm_first``, which would not normalise it.
        """
        seen = {} if memory is None else {"memory": memory}
        return self.run(training, hidden, bias=bias, **seen)

    def of_first(self, hidden: Any, **context: Any) -> Any:
        """What becomes of the first token, the only one that is transformed where it can be."""
        if self.arguments["norm_first"]:
            return super().of_first(hidden, **context)
        bias = context["bias"]
        of_all = bias if bias.shape[2] == 1 else bias[:, :, :1]
        # Graphs do not know that this is one token, and exports change it as they do any number.
        output = self(hidden[:, :1], of_all, memory=hidden)
        return output if self.attention.fused else output[0]

    def transform(self, training: bool | None, hidden: Any, **context: Any) -> Any:
        """Hidden states and, where not fused, the probabilities."""
        probabilities: list[Any] = []

        def attend(x: Any, training: bool | None) -> Any:
            # `training` is handed on: what is computed again has no call of Keras' around it.
            attended = self.attention(x, **context, training=training)
            attended, *seen = [attended] if self.attention.fused else attended
            probabilities.extend(seen)
            return self.attention_dropout(attended, training=training)

        output = self.through(hidden, [(self.attention_norm, attend)], training)
        return (output, *probabilities) if probabilities else output

    def through(
        self,
        hidden: Any,
        attending: Sequence[tuple[LayerNorm, SubLayer]],
        training: bool | None,
    ) -> Any:
        """Sub-layers that attend, and the feed-forward layer, each with norm and residual."""
        for norm, sub_layer in (*attending, (self.output_norm, self.feed_forward)):
            if self.arguments["norm_first"]:
                hidden = hidden + sub_layer(norm(hidden, training=training), training)
            else:
                hidden = norm(hidden + sub_layer(hidden, training), training=training)
        return hidden

    def feed_forward(self, hidden: Any, training: bool | None) -> Any:
        """Two projections with an activation between them, and dropout."""
        activation = activations.get(self.arguments["activation"], training)
        widened = activation(self.intermediate(hidden, training=training))
        output = self.output_projection(widened, training=training)
        return self.output_dropout(output, training=training)
