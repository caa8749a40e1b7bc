"""A model that writes as functions of named tensors: reading a text, writing one token more.

``S`` tokens are read, ``C`` places hold what is written; keys and values of layer ``i`` are
``(B, N, S or C, D)``. TensorFlow only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from keras import ops

from keras_bert_zoo.layers.attention import bias_of
from keras_bert_zoo.models.decoder import Memory, Written

from ..signature import BATCH, SEQUENCE, Signature, TensorSpec
from ..tracing import tensor_specs

Tensors = Mapping[str, Any]
_SIDES = ("key", "value")
# What every model that writes reads.
PROMPT = ("input_ids", "attention_mask")


class Part:
    """A function of some of a model's weights, which exporters take for a model.

    Args:
        model: whose weights it uses.
        signature: of the function; its name is the part's.
        function: tensors by name to tensors by name.
    """

    def __init__(
        self, model: Any, signature: Signature, function: Callable[[Tensors], dict[str, Any]]
    ) -> None:
        self.name, self.signature, self.function = signature.name, signature, function
        traced = tf.function(function, autograph=False).get_concrete_function(
            tensor_specs(signature)
        )
        used = {id(variable) for variable in traced.variables}
        self.weights = [weight for weight in model.weights if id(weight.value) in used]

    def __call__(self, inputs: Tensors, training: bool = False) -> dict[str, Any]:
        """Tensors by name; there is nothing to train."""
        return self.function(inputs)


def encoder_specs(model: Any, dtype: str = "int32") -> tuple[TensorSpec, ...]:
    """What the encoder of a model reads, ``(B, S)``."""
    return tuple(TensorSpec(name, dtype, (BATCH, SEQUENCE), True) for name in model.encoder.input)


def kept_specs(model: Any, pattern: str, length: str | int) -> tuple[TensorSpec, ...]:
    """Keys and values of each layer.

    Args:
        model: that writes.
        pattern: of their names, e.g. ``"encoder_{side}_{layer}"``.
        length: of their third axis.
    """
    config = model.decoder.config
    axes = (BATCH, config.num_attention_heads, length, config.head_size)
    return tuple(
        TensorSpec(pattern.format(side=side, layer=layer), "float32", axes)
        for layer in range(config.num_hidden_layers)
        for side in _SIDES
    )


def named(pattern: str, kept: Any) -> dict[str, Any]:
    """Keys and values by the names of ``kept_specs``."""
    return {
        pattern.format(side=side, layer=layer): tensor
        for layer, pair in enumerate(kept)
        for side, tensor in zip(_SIDES, pair, strict=True)
    }


def kept_of(model: Any, pattern: str, tensors: Tensors) -> tuple[Any, ...]:
    """The same way back."""
    layers = range(model.decoder.config.num_hidden_layers)
    return tuple(
        tuple(tensors[pattern.format(side=side, layer=layer)] for side in _SIDES)
        for layer in layers
    )


def memory_of(model: Any, pattern: str, tensors: Tensors, mask: Any) -> Memory:
    """What a decoder knows of what was read, of keys, values and the mask ``(B, S)``."""
    bias = bias_of(mask[:, None, None, :], "float32")
    return Memory(kept_of(model, pattern, tensors), bias)


def written_of(model: Any, pattern: str, tensors: Tensors, place: Any, rows: Any) -> Written:
    """What a decoder knows of what it has written.

    Args:
        model: that writes.
        pattern: of the names of keys and values.
        tensors: that hold them, ``C`` places.
        place: how many of them are taken, an int32 scalar; ``None``: all.
        rows: int32 ``(B,)``, the number of tokens in each row.
    """
    kept = kept_of(model, pattern, tensors)
    places = ops.arange(ops.shape(kept[0][0])[2], dtype="int32")[None]
    seen = ops.cast(places < rows[:, None], "int32")
    return Written(kept, seen, place, rows)
