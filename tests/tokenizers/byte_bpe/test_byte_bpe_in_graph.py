"""The tokenizer inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tensorflow as tf

TEXTS = ["Hello wörld  <mask>", "", "x" * 301 + " 你好！", "a  b<s>", "e\u0301 it's [MASK]"]
CALLS = {
    "ragged": {"return_offsets_mapping": True, "return_special_tokens_mask": True},
    "windows": {
        "padding": True,
        "truncation": "only_second",
        "max_length": 12,
        "stride": 1,
        "return_overflowing_tokens": True,
        "return_offsets_mapping": True,
    },
    "fixed": {"padding": "max_length", "truncation": True, "max_length": 10},
}
KINDS = ("roberta", "prefix", "modernbert", "whole words")


def _lists(encoded):
    return {
        name: rows.to_list() if isinstance(rows, tf.RaggedTensor) else rows.numpy().tolist()
        for name, rows in encoded.items()
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_graph_and_eager_agree(make_pair, name, kind):
    tokenizer = make_pair(kind).ours

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def encode(first, second):
        return tokenizer(first, second, **CALLS[name])

    first = ["ab"] * len(TEXTS) if name == "windows" else TEXTS
    second = [f"{text} and more of it all" for text in TEXTS]
    eager = _lists(tokenizer(first, second, **CALLS[name]))
    assert _lists(encode(tf.constant(first), tf.constant(second))) == eager


def test_in_a_dataset(make_pair):
    tokenizer = make_pair("roberta").ours
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    dataset = dataset.map(lambda text: tokenizer(text)["input_ids"], num_parallel_calls=2)
    rows = [row for batch in dataset for row in batch.to_list()]
    assert rows == [tokenizer(text)["input_ids"].to_list()[0] for text in TEXTS]


@pytest.mark.parametrize(
    ("kind", "foreign"),
    [
        ("roberta", set()),
        ("modernbert", {"NormalizeUTF8WithOffsetsMap", "FindSourceOffsets"}),
    ],
)
def test_nothing_but_core_operators_is_left_in_the_graph(make_pair, kind, foreign):
    tokenizer = make_pair(kind).ours
    traced = tf.function(lambda text: tokenizer(text, return_offsets_mapping=True))
    graph = traced.get_concrete_function(tf.TensorSpec([None], tf.string)).graph.as_graph_def()
    functions = [node.op for function in graph.library.function for node in function.node_def]
    operations = {*functions, *(node.op for node in graph.node)}
    assert not {name for name in operations if "PyFunc" in name or "HashTable" in name}
    assert {name for name in operations if _is_foreign(name)} == foreign


def _is_foreign(operator: str) -> bool:
    return operator.startswith(("TFText>", "NormalizeUTF8", "FindSource", "Fast", "Wordpiece"))


# No library of operators is loaded: core TensorFlow serves it, in the way of TensorFlow Serving.
CLIENT = """
import json, sys
import tensorflow as tf
session = tf.compat.v1.Session(graph=tf.Graph())
with session.graph.as_default():
    model = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
signature = model.signature_def["serving_default"]
fetches = {name: tensor.name for name, tensor in signature.outputs.items()}
encoded = session.run(fetches, {signature.inputs["text"].name: json.loads(sys.argv[2])})
assert "tensorflow_text" not in sys.modules
print(json.dumps({name: values.tolist() for name, values in encoded.items()}))
"""


@pytest.mark.parametrize("kind", ["roberta", "prefix"])
def test_a_session_serves_the_same_ids(make_pair, tmp_path, kind):
    tokenizer = make_pair(kind).ours
    module = tf.Module()
    module.tokenizer = tokenizer

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def encode(text):
        return tokenizer(text, padding=True, return_offsets_mapping=True)

    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": encode})
    arguments = [sys.executable, "-c", CLIENT, str(tmp_path), json.dumps(TEXTS)]
    output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    served = json.loads(output.splitlines()[-1])
    expected = tokenizer(TEXTS, padding=True, return_offsets_mapping=True)
    assert served == {name: values.numpy().tolist() for name, values in expected.items()}
