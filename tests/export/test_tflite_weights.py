"""Weights in fewer bits: how far off they are, and that the runtime reads what was meant."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.export.tflite import model as tflite_model
from keras_bert_zoo.export.tflite import weights as tflite_weights
from keras_bert_zoo.export.tflite import writer as tflite
from keras_bert_zoo.export.tflite.model import Graph, read, write

WEIGHT = np.random.default_rng(0).normal(size=(24, 128)).astype("float32")
WEIGHT[3] = 0
WEIGHT[5, 7] = 40  # one that costs the rest of its row, or block, their steps


def error(found: tflite_weights.Quantised, weight: np.ndarray = WEIGHT) -> np.ndarray:
    return np.abs(found.restored() - weight)


def test_eight_bits_are_off_by_half_a_step_at_most():
    found = tflite_weights.to_int8(WEIGHT)
    assert (error(found) <= found.scales / 2 + 1e-6).all()
    assert np.abs(found.values).max() == 127


@pytest.mark.parametrize("width", [32, 64])
def test_blocks_keep_a_large_weight_to_themselves(width):
    found = tflite_weights.to_int4_blocks(WEIGHT, width)
    assert found.scales.shape == (24, 128 // width)
    assert found.values.min() >= -8 and found.values.max() <= 7
    outside = np.ones(128, bool)
    outside[:width] = False
    assert error(found)[5, outside].max() < 0.5 < error(tflite_weights.to_int4(WEIGHT))[5].max()


def test_clips_are_never_worse_than_the_full_range():
    found = tflite_weights.to_int4(WEIGHT)
    scales = np.maximum(np.abs(WEIGHT).max(axis=1, keepdims=True), 1e-5) / 7
    full = tflite_weights.Quantised(np.rint(WEIGHT / scales).astype(np.int8), scales)
    ours, theirs = (np.square(error(each)).sum(axis=1) for each in (found, full))
    assert (ours <= theirs + 1e-6).all() and ours.sum() < 0.95 * theirs.sum()


def test_rows_that_no_block_divides_have_one_scale():
    assert tflite_weights.to_int4_blocks(WEIGHT[:, :40]).scales.shape == (24, 1)


def test_half_precision_stays_finite():
    assert np.isfinite(tflite_weights.to_float16(np.array([1e6, -1e6], "float32"))).all()


@pytest.fixture(scope="module")
def lean(keras_bundle):
    return tflite.converted(keras_bundle.model)


def run(content, inputs):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content).get_signature_runner("ids")(**inputs)["logits"]


@pytest.mark.parametrize("storage", ["int8", "int4", "int4-blocks"])
def test_the_runtime_looks_up_what_was_stored(lean, encode, texts, storage):
    """Only the words are stored otherwise: the same numbers as with the restored table."""
    words = "word_embeddings"
    stored = read(lean)
    tflite_weights.store_weights(stored, lambda n: storage if n.endswith(words) else "float32")
    restored = read(lean)
    graph = Graph(restored)
    [tensor] = [t for n, t in tflite_weights.weights_of(graph).items() if n.endswith(words)]
    table = tflite_weights.STORAGES[storage].convert(graph.value(tensor)).restored()
    graph.graph.tensors[tensor].buffer = graph.graph.tensors[graph.add_constant("", table)].buffer
    for text in texts:
        inputs = encode([text])
        ours, theirs = (run(write(model), inputs) for model in (stored, restored))
        # The positions of the first are in half precision.
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
        assert np.abs(ours - run(lean, inputs)).max() > 1e-4


def test_every_weight_has_the_name_of_its_variable(lean, keras_bundle):
    names = set(tflite_weights.weights_of(Graph(read(lean))))
    paths = {weight.path for weight in keras_bundle.model.weights}
    joined = {name.replace("qkv", part) for name in names for part in ("query", "key", "value")}
    assert joined <= paths and not names & {"", "qkv/kernel"}


def test_what_is_read_and_written_is_the_same_model(lean, encode, texts):
    again = write(read(lean))
    assert tflite_model.operators(again) == tflite_model.operators(lean)
    np.testing.assert_array_equal(run(again, encode(texts[:1])), run(lean, encode(texts[:1])))
