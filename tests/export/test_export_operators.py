"""Which operators a server must know, read off the exported graphs."""

from __future__ import annotations

import pathlib

import pytest

from keras_bert_zoo.export import process

# docs/serving.md says with which tensorflow-text each of them came.
FOREIGN = {
    "FastBertNormalize",
    "FastWordpieceTokenizeWithOffsets",
    "TFText>WhitespaceTokenizeWithOffsetsV2",
}
HIDDEN = ("keras", "keras_hub", "tf_keras", "tensorflow_text")


def foreign_operators(path):
    """In the child: operators of graph and functions that plain TensorFlow does not know."""
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    content = (pathlib.Path(path) / "saved_model.pb").read_bytes()
    graph = saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].graph_def
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    used = {node.op for nodes in bodies for node in nodes}
    used -= {function.signature.name for function in graph.library.function}
    return {op for op in used if op_def_registry.get(op) is None}, len(used)


@pytest.mark.parametrize(("form", "expected"), [("savedmodel", FOREIGN), ("savedmodel-ids", set())])
def test_operators_beyond_core_tensorflow(artifacts, form, expected, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(pathlib.Path(__file__).parent))
    found, used = process.call(foreign_operators, str(artifacts[form].file), hide=HIDDEN)
    assert found == expected
    assert used > 10  # the graph was read


def test_the_page_lists_them():
    page = (pathlib.Path(__file__).parents[2] / "docs/serving.md").read_text(encoding="utf-8")
    for operator in FOREIGN:
        assert f"`{operator}`" in page
