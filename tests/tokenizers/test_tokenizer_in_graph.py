"""The tokenizer inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tensorflow as tf

TEXTS = ["Hello wörld [MASK]", "", "x" * 101 + " 你好！", "a\ue000b"]
CALLS = {
    "ragged": {"return_offsets_mapping": True, "return_special_tokens_mask": True},
    "longest": {"padding": True, "truncation": True, "max_length": 8, "pad_to_multiple_of": 4},
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


def _lists(encoded):
    return {
        name: rows.to_list() if isinstance(rows, tf.RaggedTensor) else rows.numpy().tolist()
        for name, rows in encoded.items()
    }


@pytest.mark.parametrize("name", CALLS)
def test_graph_and_eager_agree(tokenizer, name):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def encode(first, second):
        return tokenizer(first, second, **CALLS[name])

    second = [f"{text} and more of it all" for text in TEXTS]
    eager = _lists(tokenizer(TEXTS, second, **CALLS[name]))
    assert _lists(encode(tf.constant(TEXTS), tf.constant(second))) == eager


def test_in_a_dataset(tokenizer):
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(3)
    dataset = dataset.map(lambda text: tokenizer(text, padding=True), num_parallel_calls=2)
    rows = [row for batch in dataset for row in batch["input_ids"].numpy().tolist()]
    alone = [tokenizer(text)["input_ids"].to_list()[0] for text in TEXTS]
    assert [[token for token in row if token] for row in rows] == alone


def test_nothing_of_python_is_left_in_the_graph(tokenizer):
    traced = tf.function(lambda text: tokenizer(text, return_offsets_mapping=True))
    graph = traced.get_concrete_function(tf.TensorSpec([None], tf.string)).graph.as_graph_def()
    functions = [node.op for function in graph.library.function for node in function.node_def]
    operations = {*functions, *(node.op for node in graph.node)}
    assert not {name for name in operations if "PyFunc" in name or "HashTable" in name}
    foreign = {name for name in operations if "FastBert" in name or "Wordpiece" in name}
    assert foreign == {"FastBertNormalize", "FastWordpieceTokenizeWithOffsets"}


# The libraries of operators are all that a server needs: no Python of tensorflow-text.
CLIENT = """
import importlib.util, json, pathlib, sys
import tensorflow as tf
folder = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent / "python" / "ops"
for name in ("fast_bert_normalizer", "fast_wordpiece_tokenizer", "whitespace_tokenizer_v2"):
    tf.load_op_library(str(folder / f"_{name}.so"))
encode = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
encoded = encode(text=tf.constant(json.loads(sys.argv[2])))
assert "tensorflow_text" not in sys.modules
print(json.dumps({name: values.numpy().tolist() for name, values in encoded.items()}))
"""


def test_a_saved_model_serves_the_same_ids(tokenizer, tmp_path):
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
