"""Large activations under integers: the same numbers in float, closer ones in 8 bits."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from keras_bert_zoo.export.onnx import file as onnx_file
from keras_bert_zoo.export.onnx import outliers, precision
from keras_bert_zoo.export.onnx import weights as onnx_weights
from keras_bert_zoo.export.onnx.conversion import lean_graph
from keras_bert_zoo.export.signature import Signature

NEURON = 5
KERNEL = "encoder/layer_1/output/kernel"


@pytest.fixture(scope="module")
def model(tiny_config, randomise):
    """An encoder with the two kinds of large activations that trained ones have."""
    from keras_bert_zoo.models import BertEncoder

    model = randomise(BertEncoder(tiny_config, add_pooling_layer=False))
    weights = {weight.path: weight for weight in model.weights}
    for path, place, factor in [
        # A neuron that is large, and weighs much for one feature.
        ("encoder/layer_1/intermediate/kernel", np.s_[:, NEURON], 20),
        (KERNEL, np.s_[NEURON, 3], 250),
        # A feature that leaves its normalisation large, and weighs little.
        ("encoder/layer_0/attention_norm/gamma", np.s_[7], 30),
        ("encoder/layer_0/intermediate/kernel", np.s_[7], 0.05),
    ]:
        value = weights[path].numpy().copy()
        value[place] *= factor
        weights[path].assign(value)
    return model


@pytest.fixture(scope="module")
def graph(model):
    return lean_graph(model, Signature.of(model).with_input_type("int64"))


@pytest.fixture
def run(tmp_path, graph, model, make_batch):
    """Writes what a rewrite makes of the graph; returns its hidden states and initializers."""
    import onnx
    import onnxruntime

    def run(rewrite):
        path = tmp_path / "model.onnx"
        weights = onnx_weights.of_model(model.weights)
        onnx_file.write(*rewrite(copy.deepcopy(graph), weights), path)
        onnx.checker.check_model(str(path), full_check=True)
        inputs = {name: value.astype("int64") for name, value in make_batch().items()}
        (states,) = onnxruntime.InferenceSession(path).run(["last_hidden_state"], inputs)
        stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        return states, stored

    return run


@pytest.fixture(scope="module")
def expected(model, make_batch):
    return np.asarray(model(make_batch(), training=False)["last_hidden_state"])


def test_in_float_nothing_changes(run, expected):
    states, stored = run(outliers.tame)
    np.testing.assert_allclose(states, expected, atol=1e-4)
    assert (stored[KERNEL][NEURON] == 0).all()
    assert stored[KERNEL].any(axis=1).sum() == len(stored[KERNEL]) - 1
    assert stored[f"{KERNEL}_apart"].shape == (1, 24)
    # Of one block; the other has no such neuron.
    assert sum(name.endswith("_apart") for name in stored) == 3
    # Of each block one normalisation; the others have three products or none.
    assert sum(name.endswith("_share") for name in stored) == 2


def test_integers_come_closer(run, expected):
    plain, tamed = (
        run(rewrite)[0] - expected
        for rewrite in (lambda *given: precision._quantised(*given, None), precision.int8)
    )
    assert np.square(tamed).mean() < np.square(plain).mean() / 2


@pytest.mark.parametrize(
    "further",
    [
        None,
        ("Neg", ["raised"], "other"),
        ("Neg", ["bias"], "other"),
        ("MatMul", ["x", "first"], "other"),
        ("MatMul", ["hidden", "second"], "other"),
        ("Relu", ["raised"], "hidden"),  # an output itself
    ],
)
def test_neurons_that_others_read_stay(tmp_path, further):
    generator = np.random.default_rng(0)
    arrays = {name: generator.normal(size=shape).astype("float32") for name, shape in SIZES.items()}
    arrays["second"][2] *= 50
    weights = {name: onnx_weights.of_array(array) for name, array in arrays.items()}
    rows = generator.normal(size=(3, 4)).astype("float32")
    before = _results(_feed_forward(further), weights, tmp_path, rows)
    model, tamed = outliers.tame(_feed_forward(further), weights)
    apart = [tensor.name for tensor in model.graph.initializer]
    assert apart == ([] if further else ["first_apart", "bias_apart", "second_apart"])
    for ours, theirs in zip(_results(model, tamed, tmp_path, rows), before, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


SIZES = {"first": (4, 6), "bias": (6,), "second": (6, 4)}


def _feed_forward(further):
    """Two products and what else reads a tensor of theirs, as one more output."""
    from onnx import helper

    steps = {
        "product": ("MatMul", ["x", "first"]),
        "raised": ("Add", ["product", "bias"]),
        "hidden": ("Relu", ["raised"]),
        "y": ("MatMul", ["hidden", "second"]),
    }
    if further:
        steps[further[2]] = further[:2]
    nodes = [helper.make_node(kind, inputs, [name]) for name, (kind, inputs) in steps.items()]
    sizes = {"x": ("rows", 4), **SIZES}
    entries = [helper.make_tensor_value_info(name, 1, size) for name, size in sizes.items()]
    names = dict.fromkeys(["y", *([further[2]] if further else [])])
    results = [helper.make_tensor_value_info(name, 1, None) for name in names]
    graph = helper.make_graph(nodes, "feed_forward", entries, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def _results(model, weights, directory, rows):
    import onnxruntime

    onnx_file.write(model, weights, directory / "model.onnx")
    return onnxruntime.InferenceSession(directory / "model.onnx").run(None, {"x": rows})
