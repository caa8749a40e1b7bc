"""Exported graphs hold the arithmetic of BERT and little else."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

LAYERS = 12


@pytest.fixture(scope="module")
def wide_encoder() -> BertEncoder:
    """As many layers and heads as BERT-base, but narrow."""
    return BertEncoder(
        EncoderConfig(
            vocab_size=100,
            hidden_size=24,
            num_hidden_layers=LAYERS,
            num_attention_heads=12,
            intermediate_size=48,
            max_position_embeddings=512,
        )
    )


def traced(encoder: BertEncoder, shape: tuple[int | None, int | None]) -> Any:
    import tensorflow as tf

    signature = {name: tf.TensorSpec(shape, tf.int32, name=name) for name in encoder.input}
    return tf.function(lambda **inputs: encoder(inputs)).get_concrete_function(**signature)


def counts(function: Any) -> collections.Counter[str]:
    return collections.Counter(node.type for node in function.graph.get_operations())


def test_fixed_shapes_leave_no_shape_arithmetic(wide_encoder: BertEncoder) -> None:
    nodes = counts(traced(wide_encoder, (1, 128)))
    assert not nodes["Shape"] + nodes["Pack"]
    # Words and segments: `keras.ops.take` lets indices count from the end of the table, whose
    # constant size it slices out of a shape.
    assert nodes["GatherV2"] == nodes["SelectV2"] == 2
    # The other slices take the positions and the pooler's first token.
    assert nodes["StridedSlice"] == 2 + 2


def test_an_open_length_is_left_to_the_reshapes(wide_encoder: BertEncoder) -> None:
    nodes = counts(traced(wide_encoder, (1, None)))
    # Begin, end and step of the slice of the positions; no reshape packs a shape.
    assert nodes["Pack"] == 3


def test_tflite_operators(wide_encoder: BertEncoder, randomise: Any) -> None:
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # With fresh weights the converter drops adding 0 and multiplying by 1.
    encoder = randomise(wide_encoder)
    module = tf.Module()
    module.weights = [weight.value for weight in encoder.weights]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced(encoder, (1, 128))], module)
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=converter.convert(), experimental_op_resolver_type=plain
    )
    operators = collections.Counter(op["op_name"] for op in interpreter._get_ops_details())
    assert operators["GELU"] == operators["SOFTMAX"] == LAYERS
    assert operators["FULLY_CONNECTED"] == 6 * LAYERS + 1
    # A head's split and merge; nothing to compute a shape.
    assert operators["TRANSPOSE"] == operators["RESHAPE"] - 1 == 4 * LAYERS
    # Normalisation: 9 operators, 2 a layer and 1 for the embeddings.
    assert operators["SQUARED_DIFFERENCE"] == operators["RSQRT"] == 2 * LAYERS + 1
    assert sum(operators.values()) <= 494
    assert not any(name.startswith("Flex") for name in operators)


def test_the_graph_computes_what_the_model_does(wide_encoder: BertEncoder, make_batch: Any) -> None:
    import tensorflow as tf

    batch = make_batch((12, 5))
    function = traced(wide_encoder, (None, None))
    graph = function(**{name: tf.constant(values) for name, values in batch.items()})
    eager = wide_encoder(batch)
    for name, values in eager.items():
        np.testing.assert_allclose(graph[name], values, rtol=0, atol=1e-5, err_msg=name)
