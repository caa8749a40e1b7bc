"""Spaces of written texts inside the graph are those that Python puts."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import tensorflow as tf

from keras_bert_zoo.evaluation.spacing import respaced
from keras_bert_zoo.export.writing import spacing

_EXPORTED = tf.function(
    spacing.respaced, input_signature=[tf.TensorSpec((None,), tf.string)] * 2, autograph=False
)
# Strings that tokens and what stands between them are made of; and any other characters.
_LIKELY = st.sampled_from(
    [*"中文日ァ《（」，。()[]{}“”‘’/:;.-_=1a", "Calc", "２", " ", "\u3000", "\x1e"]
)
_ANY = st.characters(exclude_characters="\ufdd0", exclude_categories=["Cs"])
TEXT = st.lists(st.one_of(_LIKELY, _LIKELY, _ANY), max_size=25).map("".join)


@hypothesis.given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
@hypothesis.settings(max_examples=300, deadline=None, derandomize=True)
def test_they_are_pythons(rows):
    texts, sources = zip(*rows, strict=True)
    found = _EXPORTED(tf.constant(texts), tf.constant(sources)).numpy().tolist()
    assert [text.decode() for text in found] == [respaced(*row) for row in rows]


def test_pairs_of_the_source_are_copied_whole():
    text, source = "a - b 中 文 ( c", "b - a-b, a - b"
    [found] = _EXPORTED(tf.constant([text]), tf.constant([source])).numpy()
    assert found.decode() == respaced(text, source) == "a-b 中文 (c"
