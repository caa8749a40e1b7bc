"""What is inside the files: lean graphs, weights once, no foreign operators."""

from __future__ import annotations

import collections
import math

import numpy as np
import pytest

from keras_bert_zoo.export.runtimes import TEXT_LIBRARIES


@pytest.fixture(scope="module")
def weight_bytes(keras_bundle):
    return sum(4 * math.prod(weight.shape) for weight in keras_bundle.model.weights)


@pytest.mark.parametrize("name", ["tflite", "tflite-int8"])
def test_tflite_has_built_in_operators_only_and_no_shape_arithmetic(artifacts, name):
    from keras_bert_zoo.export.tflite.model import operators

    counts = operators(artifacts[name].file.read_bytes())
    assert not [operator for operator in counts if "custom" in operator or "Flex" in operator]
    # One GELU for each of the two blocks; the one shape is that of the position table's rows.
    assert (counts["GELU"], counts["SHAPE"], counts["PACK"]) == (2, 1, 0)
    # Queries, keys and values are one product in the first block, and three in the second, where
    # one token attends; only heads are split and merged by reshapes, beside three for the ids, for
    # the rows of their words and for the positions.
    assert counts["FULLY_CONNECTED"] == 4 + 6 + 2
    assert (counts["RESHAPE"], counts["TRANSPOSE"], counts["SPLIT"]) == (2 + 4 + 3, 2 + 4, 1)


def test_tflite_signature_is_named(artifacts):
    from ai_edge_litert.interpreter import Interpreter

    signatures = Interpreter(str(artifacts["tflite"].file)).get_signature_list()
    inputs = ["attention_mask", "input_ids", "token_type_ids"]
    assert signatures == {"ids": {"inputs": inputs, "outputs": ["logits"]}}


def test_onnx_is_valid_named_and_lean(artifacts, keras_bundle):
    import onnx

    model = onnx.load(artifacts["onnx"].file)
    onnx.checker.check_model(model, full_check=True)
    weights = {weight.path: weight.numpy() for weight in keras_bundle.model.weights}
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for path, value in weights.items():
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(stored[path]), value)
    counts = collections.Counter(node.op_type for node in model.graph.node)
    assert (counts["Erf"], counts["Shape"], counts["GlobalAveragePool"]) == (2, 1, 0)
    # Four to split and merge heads in each block.
    assert counts["Reshape"] == 2 * 4
    # Two a block and one on the embeddings; lookups take the ids as they come.
    assert (counts["LayerNormalization"], counts["ReduceMean"]) == (2 * 2 + 1, 0)
    assert (counts["Less"], counts["Where"]) == (0, 0)
    assert {node.domain for node in model.graph.node} == {""}


def test_onnxruntime_joins_what_is_faster_joined(artifacts, tmp_path):
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "joined.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(artifacts["onnx"].file, options)
    model = onnx.load(options.optimized_model_filepath)
    counts = collections.Counter(node.op_type for node in model.graph.node)
    # In each block scores with their divisor, and GELU with its bias.
    assert (counts["FusedMatMul"], counts["BiasGelu"], counts["Div"]) == (2, 2, 0)
    # An addition and its normalisation are slower as one.
    assert (counts["SkipLayerNormalization"], counts["LayerNormalization"]) == (0, 2 * 2 + 1)


def test_onnx_names_its_axes(artifacts):
    import onnxruntime

    session = onnxruntime.InferenceSession(artifacts["onnx"].file)
    inputs = {entry.name: (entry.type, entry.shape) for entry in session.get_inputs()}
    names = ("input_ids", "attention_mask", "token_type_ids")
    assert inputs == dict.fromkeys(names, ("tensor(int64)", ["batch", "sequence"]))
    assert [(e.name, e.shape) for e in session.get_outputs()] == [("logits", ["batch", 3])]


@pytest.mark.parametrize("name", ["savedmodel", "savedmodel-ids"])
def test_savedmodel_stores_variables_once(artifacts, weight_bytes, name):
    (data,) = (artifacts[name].file / "variables").glob("*.data-*")
    # Beside the values only a list of objects with some hundred bytes each.
    assert weight_bytes <= data.stat().st_size < weight_bytes + 20_000


def test_savedmodel_needs_only_the_documented_text_operators(artifacts):
    from tensorflow.core.protobuf import saved_model_pb2

    def operators(name: str) -> set[str]:
        content = (artifacts[name].file / "saved_model.pb").read_bytes()
        (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        nodes = [node for f in graph.graph_def.library.function for node in f.node_def]
        return {node.op for node in [*nodes, *graph.graph_def.node]}

    from tensorflow.python.framework import op_def_registry

    import keras_bert_zoo.tokenizers  # noqa: F401 - registers the operators

    found = {op for op in operators("savedmodel") if _library_of(op)}
    assert all(op_def_registry.get(op) for op in operators("savedmodel"))
    assert found == {
        "FastBertNormalize",
        "FastWordpieceTokenizeWithOffsets",
        "TFText>WhitespaceTokenizeWithOffsetsV2",
    }
    assert len(TEXT_LIBRARIES) == len(found)
    assert not [op for op in operators("savedmodel-ids") if _library_of(op)]


def _library_of(operator: str) -> bool:
    """Whether an operator is tensorflow-text's: its names begin so."""
    return operator.startswith(("Fast", "TFText>", "Wordpiece", "Sentencepiece", "Whitespace"))
