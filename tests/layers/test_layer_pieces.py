"""Each layer against its formula, in NumPy."""

from __future__ import annotations

import ast
import math
import pathlib
from typing import Any

import keras
import numpy as np
import pytest

import keras_bert_zoo
from keras_bert_zoo.config import HIDDEN_ACTS, POOLINGS
from keras_bert_zoo.layers import (
    AttentionBias,
    Embeddings,
    EncoderBlock,
    LayerNorm,
    Linear,
    MaskedLMHead,
    Pooler,
    SelfAttention,
    activations,
    pooling,
)
from keras_bert_zoo.layers.embeddings import sinusoidal_table

ROOMS = pathlib.Path(keras_bert_zoo.__file__).parent
GENERATOR = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return GENERATOR.standard_normal(shape).astype("float32")


@pytest.mark.parametrize("path", sorted(ROOMS.glob("layers/*.py")), ids=lambda path: path.name)
def test_layers_use_keras_ops_only(path: pathlib.Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    standard = {"__future__", "collections", "contextlib", "math", "typing"}
    assert modules <= standard | {"keras", "keras_bert_zoo", "numpy"}
    # No branch on the backend, nothing of Keras that is not public.
    assert not names & {"keras.src", "keras.backend.backend", "keras.config.backend"}


def test_config_names_every_activation() -> None:
    assert set(activations.ACTIVATIONS) == set(HIDDEN_ACTS)
    assert tuple(pooling.FUNCTIONS) == POOLINGS


def test_unknown_activation() -> None:
    with pytest.raises(ValueError, match=r"one of \['gelu'.*received 'gleu'"):
        activations.get("gleu")


def test_gelus() -> None:
    x = np.linspace(-6, 6, 101).astype("float32")
    exact = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x.astype("float64")]
    np.testing.assert_allclose(activations.gelu(x), exact, rtol=0, atol=1e-6)
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x.astype("float64") ** 3)
    np.testing.assert_allclose(
        activations.gelu_tanh(x), 0.5 * x * (1 + np.tanh(inner)), rtol=0, atol=1e-6
    )


def test_linear_splits_and_merges_heads() -> None:
    x = normal(2, 5, 6)
    split = Linear(12, output_shape=(3, 4))
    heads = split(x)
    expected = (x @ split.kernel.numpy() + split.bias.numpy()).reshape(2, 5, 3, 4)
    np.testing.assert_allclose(heads, expected, rtol=0, atol=1e-5)
    merge = Linear(6, input_rank=2)
    expected = expected.reshape(2, 5, 12) @ merge_kernel(merge, heads)
    np.testing.assert_allclose(merge(heads), expected, rtol=0, atol=1e-5)
    assert split.compute_output_shape((2, 5, 6)) == (2, 5, 3, 4)
    assert merge.compute_output_shape((2, 5, 3, 4)) == (2, 5, 6)


def merge_kernel(layer: Linear, heads: Any) -> np.ndarray:
    layer.build(heads.shape)
    return layer.kernel.numpy()


def test_linear_refuses_a_shape_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"units=12 elements, received \(5, 2\)"):
        Linear(12, output_shape=(5, 2))


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "float16", "mixed_bfloat16"])
def test_norm_statistics_are_float32(policy: str) -> None:
    layer = LayerNorm(1e-12, dtype=policy)
    # In float16 the squares of these overflow, and their spread is a few of its steps.
    x = (1000 + 8 * normal(4, 64)).astype("float32")
    x = keras.ops.convert_to_numpy(keras.ops.cast(x, layer.compute_dtype)).astype("float64")
    centred = x - x.mean(-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    y = layer(keras.ops.cast(x, layer.compute_dtype))
    assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
    rounding = {"float32": 1e-5, "float16": 2**-11, "bfloat16": 2**-8}[layer.compute_dtype]
    # One rounding of results below 4, and float32's of numbers near 1000.
    np.testing.assert_allclose(
        keras.ops.cast(y, "float32"), expected, rtol=0, atol=4 * rounding + 4e-5
    )


def test_norm_of_a_constant_row_is_beta() -> None:
    np.testing.assert_array_equal(LayerNorm(1e-12)(np.full((2, 8), 3.0, "float32")), 0)


def test_sinusoidal_table() -> None:
    width = 7
    table = sinusoidal_table(11, width)
    for position in range(11):
        for pair in range((width + 1) // 2):
            angle = position / 10_000 ** (2 * pair / width)
            assert table[position, 2 * pair] == pytest.approx(math.sin(angle), abs=1e-6)
            if 2 * pair + 1 < width:
                assert table[position, 2 * pair + 1] == pytest.approx(math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("kind", ["absolute", "sinusoidal"])
def test_explicit_positions(kind: str) -> None:
    layer = Embeddings(
        vocab_size=9, hidden_size=8, max_position_embeddings=6, position_embedding_type=kind
    )
    ids, types = np.array([[3, 4, 5, 6]]), np.zeros((1, 4), "int32")
    default = layer(ids, types)
    np.testing.assert_array_equal(layer(ids, types, position_ids=np.array([[0, 1, 2, 3]])), default)
    order = [2, 0, 3, 1]
    shuffled = layer(ids[:, order], types, position_ids=np.array([order]))
    np.testing.assert_array_equal(shuffled, np.array(default)[:, order])


def test_rows_packed_with_a_square_mask_do_not_see_each_other() -> None:
    embeddings = Embeddings(vocab_size=9, hidden_size=8, max_position_embeddings=6)
    bias = AttentionBias()
    block = EncoderBlock(num_heads=2, head_size=4, intermediate_size=16, initializer_range=0.3)
    ids, lengths = np.array([[1, 2, 3, 4, 5, 6, 7]]), (3, 4)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    positions = np.concatenate([np.arange(length) for length in lengths])[None]
    mask = (owner[:, None] == owner[None, :]).astype("int32")[None]
    types = np.zeros_like(ids)
    packed, _ = block(embeddings(ids, types, position_ids=positions), bias(mask))
    for part in range(len(lengths)):
        alone = ids[:, owner == part]
        hidden = embeddings(alone, np.zeros_like(alone))
        expected, _ = block(hidden, bias(np.ones_like(alone)))
        # Other shapes, other order of summation.
        np.testing.assert_allclose(np.array(packed)[:, owner == part], expected, rtol=0, atol=1e-6)


def test_causal_mask() -> None:
    layer = SelfAttention(2, 4, initializer_range=0.3)
    causal = np.tril(np.ones((1, 5, 5), "int32"))
    _, probabilities = layer(normal(1, 5, 8), AttentionBias()(causal))
    assert not np.triu(np.array(probabilities), 1).any()


def test_pooler_reads_the_first_token() -> None:
    layer, hidden = Pooler(), normal(2, 5, 8)
    pooled = layer(hidden)
    dense = layer.dense
    expected = np.tanh(hidden[:, 0] @ dense.kernel.numpy() + dense.bias.numpy())
    np.testing.assert_allclose(pooled, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("word_bias", [True, False])
def test_scores_of_few_rows_are_those_of_many(word_bias: bool) -> None:
    embeddings = Embeddings(
        vocab_size=9, hidden_size=8, max_position_embeddings=6, initializer_range=0.5
    )
    embeddings(np.ones((1, 2), "int32"))
    head = MaskedLMHead(embeddings, word_bias=word_bias, initializer_range=0.5)
    hidden = normal(2, 5, 8)
    head.build(hidden.shape)
    if word_bias:
        head.bias.assign(normal(9))
    many = head(hidden)
    few = head(hidden, np.array([[4, 0], [1, 1]]), few=True)
    expected = np.take_along_axis(np.array(many), np.array([[4, 0], [1, 1]])[..., None], axis=1)
    np.testing.assert_allclose(few, expected, rtol=0, atol=1e-6)


LAYERS: list[tuple[keras.layers.Layer, tuple[Any, ...]]] = [
    (LayerNorm(1e-6), (normal(2, 5, 8),)),
    (Linear(6, output_shape=(2, 3), initializer_range=0.3), (normal(2, 5, 8),)),
    (AttentionBias(), (np.ones((2, 5), "int32"),)),
    (AttentionBias(), (np.ones((2, 5, 5), "int32"),)),
    (SelfAttention(2, 4, dropout=0.2), (normal(2, 5, 8), normal(2, 1, 1, 5))),
    (
        EncoderBlock(num_heads=2, head_size=4, intermediate_size=16, activation="relu"),
        (normal(2, 5, 8), normal(2, 1, 1, 5)),
    ),
    (Pooler(0.1), (normal(2, 5, 8),)),
    (
        Embeddings(vocab_size=9, hidden_size=8, max_position_embeddings=6),
        (np.ones((2, 5), "int32"), np.ones((2, 5), "int32")),
    ),
]


@pytest.mark.parametrize(
    ("layer", "inputs"), LAYERS, ids=lambda value: getattr(value, "name", "inputs")
)
def test_every_layer_is_rebuilt_from_its_config(
    layer: keras.layers.Layer, inputs: tuple[Any, ...]
) -> None:
    outputs = layer(*inputs)
    other = type(layer).from_config(layer.get_config())
    other(*inputs)
    other.set_weights(layer.get_weights())
    again = other(*inputs)
    shapes = layer.compute_output_shape(*(x.shape for x in inputs))
    assert keras.tree.map_structure(lambda x: tuple(x.shape), outputs) == shapes
    keras.tree.map_structure(np.testing.assert_array_equal, outputs, again)
