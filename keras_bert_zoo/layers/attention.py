"""Multi-head attention (Vaswani et al. 2017, section 3.2)."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.linear import Linear
from keras_bert_zoo.layers.normalization import wide

# Google's constant. exp(-10000 + x) is exactly 0 in float32 for any real logit x, the
# value fits float16, and unlike -1e9 it leaves an integer format some steps for logits.
MASKED = -10_000.0


def bias_of(allowed: Any, dtype: str) -> Any:
    """What is added to scores: 0 where something may be seen, ``MASKED`` elsewhere."""
    return (1.0 - ops.cast(allowed, dtype)) * MASKED


@keras.saving.register_keras_serializable("keras_bert_zoo")
class AttentionBias(keras.layers.Layer):
    """Turns a 0/1 mask into the number added to attention scores.

    ``(B, S)`` (which keys exist) becomes ``(B, 1, 1, S)``; ``(B, S, S)`` (which keys each
    query may see, for causal rows) becomes ``(B, 1, S, S)``. 1 gives 0, 0 gives ``MASKED``.

    Args:
        packed: whether a row holds several documents and the mask ``(B, S)`` their numbers,
            0 for padding: tokens see those of their own document, in ``(B, 1, S, S)``.
    """

    def __init__(self, *, packed: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.packed = packed

    def call(self, attention_mask: Any) -> Any:
        """Bias of the scores, in the compute type."""
        if self.packed:
            attention_mask = same_document(attention_mask)
        missing_axes = (1, 2) if len(attention_mask.shape) == 2 else (1,)
        allowed = ops.expand_dims(attention_mask, missing_axes)
        return bias_of(allowed, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the bias."""
        if self.packed:
            input_shape = (*input_shape, input_shape[-1])
        middle = (1, 1) if len(input_shape) == 2 else (1,)
        return (input_shape[0], *middle, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "packed": self.packed}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Causal(keras.layers.Layer):
    """Adds ``MASKED`` to a bias where a key comes after the query (same place, section 3.2.3).

    Args:
        prefix: whether keys of the first segment are seen from everywhere (Dong et al. 2019,
            arXiv:1905.03197, section 2.3, sequence to sequence).
    """

    def __init__(self, *, prefix: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix

    def call(self, token_type_ids: Any, bias: Any) -> Any:
        """``(B, 1, 1, S)`` or ``(B, 1, S, S)`` to ``(B, 1, S, S)``.

        Args:
            token_type_ids: int ``(B, S)``; without ``prefix`` its shape alone is read.
            bias: what is added to scores.
        """
        places = ops.arange(ops.shape(token_type_ids)[1])
        later = ops.expand_dims(places, 0) > ops.expand_dims(places, 1)
        if self.prefix:
            later = later & (token_type_ids[:, None, None, :] > 0)
        return bias + ops.cast(later, bias.dtype) * MASKED

    def compute_output_shape(
        self, token_type_ids_shape: tuple[int | None, ...], bias_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """``(B, 1, S, S)``."""
        batch, length = token_type_ids_shape
        return (batch, 1, length, length)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "prefix": self.prefix}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SameDocument(keras.layers.Layer):
    """The bias of attention from one packed row to another, see ``AttentionBias``."""

    def call(self, numbers: Any, memory_numbers: Any) -> Any:
        """From the numbers of documents, ``(B, S)`` and ``(B, M)``, to ``(B, 1, S, M)``."""
        allowed = ops.expand_dims(same_document(numbers, memory_numbers), 1)
        return bias_of(allowed, self.compute_dtype)

    def compute_output_shape(
        self, numbers_shape: tuple[int | None, ...], memory_numbers_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """``(B, 1, S, M)``."""
        batch, length = numbers_shape
        return (batch, 1, length, memory_numbers_shape[1])


def same_document(numbers: Any, memory_numbers: Any = None) -> Any:
    """Which tokens see which, bool ``(B, S, M)``, from the numbers of their documents.

    Args:
        numbers: int ``(B, S)``, 0 for padding.
        memory_numbers: int ``(B, M)``, of what is seen; by default the same.
    """
    keys = ops.expand_dims(numbers if memory_numbers is None else memory_numbers, 1)
    return ops.logical_and(ops.equal(ops.expand_dims(numbers, 2), keys), keys > 0)


class Attention(keras.layers.Layer):
    """What kinds of attention share: a softmax over all heads, and the output projection.

    Args:
        num_heads: ``N``.
        head_size: ``D``; the hidden size is ``N * D``.
        dropout: rate on the attention probabilities.
        initializer_range: standard deviation of the kernels.
        fused: whether the backend's own kernel attends, ``keras.ops.dot_product_attention``,
            which on a GPU with JAX never makes the probabilities: they are not returned.

    Raises:
        ValueError: the kernel is to drop probabilities, which it does not.
    """

    def __init__(
        self,
        num_heads: int,
        head_size: int,
        *,
        dropout: float = 0.0,
        initializer_range: float = 0.02,
        fused: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if fused and dropout:
            raise ValueError(
                f"Fused attention drops no probabilities, received dropout={dropout}. Set "
                "attention_probs_dropout_prob to 0, or fused to False."
            )
        self.fused = fused
        self.num_heads = num_heads
        self.head_size = head_size
        self.dropout_rate = dropout
        self.initializer_range = initializer_range
        self.dropout = Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def linear(self, name: str, **options: Any) -> Linear:
        """A projection as wide as all heads, or as ``options`` say."""
        options = {"units": self.num_heads * self.head_size, **options}
        return Linear(
            **{"initializer_range": self.initializer_range, **options},
            dtype=self.dtype_policy,
            name=name,
        )

    def heads(self, name: str) -> Linear:
        """A projection to ``(..., N, D)``."""
        return self.linear(name, output_shape=(self.num_heads, self.head_size))

    def attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        bias: Any,
        training: bool | None,
    ) -> tuple[Any, ...]:
        """Means of values.

        Args:
            query: scaled already, ``(B, S, N, D)``; ``key`` and ``value`` have its shape.
            key: what each query is multiplied with.
            value: what is averaged.
            bias: added to the scores, broadcastable to ``(B, N, S, S)``.
            training: whether dropout is on.

        Returns:
            The context ``(B, S, N, D)`` and, where not fused, the probabilities
            ``(B, N, S, S)``.
        """
        if self.fused:
            bias = ops.cast(bias, self.compute_dtype)
            return (ops.dot_product_attention(query, key, value, bias=bias, scale=1.0),)
        # B S N D to B N D S and B N S D: a product needs them so.
        key = ops.transpose(key, (0, 2, 3, 1))
        context, probabilities = self.weigh(
            heads_first(query), key, heads_first(value), bias, training
        )
        return heads_first(context), probabilities

    def weigh(
        self, query: Any, key: Any, value: Any, bias: Any, training: bool | None
    ) -> tuple[Any, Any]:
        """Means of values ``(B, N, M, D)``, see ``attend``.

        Args:
            query: ``(B, N, S, D)``.
            key: ``(B, N, D, M)``.
            value: ``(B, N, M, D)``.
            bias: broadcastable to ``(B, N, S, M)``.
            training: whether dropout is on.

        Returns:
            The context ``(B, N, S, D)``, and the probabilities ``(B, N, S, M)``.
        """
        scores = ops.matmul(query, key)
        # Half precision cannot hold a softmax over hundreds of keys.
        dtype = wide(self.compute_dtype)
        scores = ops.cast(scores, dtype) + ops.cast(bias, dtype)
        # Of a single key Keras warns, as of a mistake.
        chances = ops.ones_like(scores) if scores.shape[-1] == 1 else ops.softmax(scores, axis=-1)
        probabilities = ops.cast(chances, self.compute_dtype)
        probabilities = self.dropout(probabilities, training=training)
        return ops.matmul(probabilities, value), probabilities

    def compute_output_shape(
        self, hidden_shape: tuple[int | None, ...], bias_shape: tuple[int | None, ...], *_: Any
    ) -> Any:
        """Shapes of the context and, where not fused, the probabilities."""
        if self.fused:
            return hidden_shape
        batch, length, _hidden = hidden_shape
        return hidden_shape, (batch, self.num_heads, length, bias_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "head_size": self.head_size,
            "dropout": self.dropout_rate,
            "initializer_range": self.initializer_range,
            "fused": self.fused,
        }


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SelfAttention(Attention):
    """Scaled dot-product attention of queries, keys and values, each a projection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.query, self.key, self.value = map(self.heads, ("query", "key", "value"))
        self.output_projection = self.linear("output", input_rank=2)

    def build(self, hidden_shape: tuple[int | None, ...], *_: Any) -> None:
        """Builds the four projections; what is attended to is as wide."""
        for projection in (self.query, self.key, self.value):
            projection.build(hidden_shape)
        self.output_projection.build((*hidden_shape[:-1], self.num_heads, self.head_size))

    def call(self, hidden: Any, bias: Any, training: bool | None = None, memory: Any = None) -> Any:
        """Attends.

        Args:
            hidden: what attends, ``(B, S, H)``.
            bias: added to the scores, broadcastable to ``(B, N, S, M)``.
            training: whether dropout is on.
            memory: what is attended to, ``(B, M, H)``; by default ``hidden``.

        Returns:
            The projected context ``(B, S, H)`` and, where not fused, the probabilities
            ``(B, N, S, M)``.
        """
        memory = hidden if memory is None else memory
        return self.mix(hidden, memory, memory, bias, training)

    def mix(
        self, asking: Any, compared: Any, averaged: Any, bias: Any, training: bool | None
    ) -> Any:
        """Attends with queries of ``asking``, keys of ``compared`` and values of ``averaged``."""
        query = self._scaled_query(asking, training)
        key = self.key(compared, training=training)
        value = self.value(averaged, training=training)
        context, *probabilities = self.attend(query, key, value, bias, training)
        output = self.output_projection(context, training=training)
        return (output, *probabilities) if probabilities else output

    def _scaled_query(self, hidden: Any, training: bool | None) -> Any:
        # Scaling the query rather than the scores touches S * H numbers instead of N * S * S,
        # and exporters fold it into the projection.
        return self.query(hidden, training=training) * (1.0 / math.sqrt(self.head_size))

    def remember(self, memory: Any) -> tuple[Any, Any]:
        """Keys and values of ``(B, M, H)``, to be kept: both ``(B, N, M, D)``."""
        return heads_first(self.key(memory)), heads_first(self.value(memory))

    def recall(self, hidden: Any, keys: Any, values: Any, bias: Any) -> Any:
        """Attends to keys and values that were kept; ``(B, S, H)`` to the same."""
        query = heads_first(self._scaled_query(hidden, False))
        keys = ops.transpose(keys, (0, 1, 3, 2))
        context, _ = self.weigh(query, keys, values, bias, False)
        return self.output_projection(heads_first(context))


def heads_first(x: Any) -> Any:
    """``(B, S, N, D)`` to ``(B, N, S, D)``, and back."""
    return ops.transpose(x, (0, 2, 1, 3))
