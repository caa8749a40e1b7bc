"""The segmenter inside ``tf.data``, ``tf.function`` and a SavedModel."""

from __future__ import annotations

import pytest
import tensorflow as tf
from in_graph import served_and_eager

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


@pytest.mark.slow
def test_a_saved_model_needs_core_operators_alone(segmenter, tmp_path):
    def cut(text):
        pieces = segmenter(text, with_spans=True)
        return {"ids": pieces.ids.to_tensor(-1), "spans": pieces.spans.to_tensor(-1)}

    served, eager = served_and_eager(segmenter, cut, tmp_path, TEXTS)
    assert served == eager
