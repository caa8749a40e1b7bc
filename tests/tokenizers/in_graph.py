"""What tests of graphs share: calls, their results as lists, operators, a process that serves."""

from __future__ import annotations

import json
import subprocess
import sys

import tensorflow as tf

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


def lists(encoded):
    return {
        name: rows.to_list() if isinstance(rows, tf.RaggedTensor) else rows.numpy().tolist()
        for name, rows in encoded.items()
    }


def traced_and_eager(tokenizer, first, second, options):
    """The same call twice, as lists."""
    encode = tf.function(
        lambda *texts: tokenizer(*texts, **options),
        input_signature=[tf.TensorSpec([None], tf.string)] * 2,
    )
    traced = encode(tf.constant(first), tf.constant(second))
    return lists(traced), lists(tokenizer(first, second, **options))


def operators(tokenizer):
    """Names of those in the graph of a call, in functions too."""
    traced = tf.function(lambda text: tokenizer(text, return_offsets_mapping=True))
    graph = traced.get_concrete_function(tf.TensorSpec([None], tf.string)).graph.as_graph_def()
    functions = [node.op for function in graph.library.function for node in function.node_def]
    found = {*functions, *(node.op for node in graph.node)}
    assert not {name for name in found if "PyFunc" in name or "HashTable" in name}
    return found


# No library of operators is loaded: core TensorFlow serves it, in the way of TensorFlow Serving.
SESSION = """
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


def served_and_eager(module, encode, directory, texts, client=SESSION):
    """What another process answers, and what this one does, as lists.

    Args:
        module: a ``tf.Module`` to save.
        encode: strings ``(B,)`` to a dict of tensors.
        directory: an empty one.
        texts: what is asked.
        client: a program that takes the directory and the texts as JSON, and prints JSON.
    """
    saved = tf.Module()
    saved.content = module
    serve = tf.function(encode, input_signature=[tf.TensorSpec([None], tf.string, "text")])
    tf.saved_model.save(saved, str(directory), signatures={"serving_default": serve})
    command = [sys.executable, "-c", client, str(directory), json.dumps(texts)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1]), lists(encode(tf.constant(texts)))
