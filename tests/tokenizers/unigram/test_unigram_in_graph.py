"""The segmenter inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tensorflow as tf

TEXTS = ["Größe ①\u0301 <mask> x", "", "哈哈哈 \r\n İ", " e\u0301 ", "<s>"]
NAMES = [
    "albert",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("bge-m3", "trained", "bytes")),
]


@pytest.fixture(scope="module", params=NAMES)
def segmenter(request, named_unigram_pair):
    return named_unigram_pair(request.param).ours


def _lists(pieces):
    return [None if part is None else part.to_list() for part in pieces]


def test_graph_and_eager_agree(segmenter):
    cut = tf.function(segmenter, input_signature=[tf.TensorSpec([None], tf.string)])
    ids = _lists(segmenter(tf.constant(TEXTS)))
    assert _lists(cut(tf.constant(TEXTS))) == ids
    assert ids[1] is None
    assert _lists(cut(tf.constant([], tf.string))) == [[], None, None]


def test_in_a_dataset(segmenter):
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2)
    dataset = dataset.map(lambda text: segmenter(text).ids, num_parallel_calls=2)
    rows = [row for batch in dataset for row in batch.to_list()]
    assert rows == segmenter(tf.constant(TEXTS)).ids.to_list()


# The session loader is what servers restore with, and stricter than Python's.
CLIENT = """
import json, sys
import tensorflow as tf
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    saved = tf.compat.v1.saved_model.load(session, ["serve"], sys.argv[1])
    signature = saved.signature_def["serving_default"]
    outputs = {name: tensor.name for name, tensor in signature.outputs.items()}
    feed = {signature.inputs["text"].name: json.loads(sys.argv[2])}
    values = session.run(outputs, feed)
assert "tensorflow_text" not in sys.modules
print(json.dumps({name: value.tolist() for name, value in values.items()}))
"""


def test_a_saved_model_needs_core_operators_alone(segmenter, tmp_path):
    module = tf.Module()
    module.segmenter = segmenter

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def cut(text):
        pieces = segmenter(text, with_spans=True)
        return {"ids": pieces.ids.to_tensor(-1), "spans": pieces.spans.to_tensor(-1)}

    expected = {name: value.numpy().tolist() for name, value in cut(tf.constant(TEXTS)).items()}
    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": cut})
    arguments = [sys.executable, "-c", CLIENT, str(tmp_path), json.dumps(TEXTS)]
    output = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert json.loads(output.splitlines()[-1]) == expected
