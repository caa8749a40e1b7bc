"""The best segmentation of words, over vocabularies of every kind, against the reference."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import tensorflow as tf
from tokenizers.models import Unigram

from keras_bert_zoo.tokenizers.unigram.lattice import Lattice

# Few letters and few scores: many segmentations are equally good but for rounding.
LETTERS = "ab▁中"
SCORES = [0.0, -1.0, -1.1, -2.2, -3.3, -0.1, -0.7000000000000001, -5.25]
pieces = st.dictionaries(
    st.text(LETTERS, min_size=1, max_size=4), st.sampled_from(SCORES), min_size=1, max_size=12
)
words = st.lists(st.text(LETTERS + "x<unk>", min_size=1, max_size=30), min_size=1, max_size=8)


def found(lattice, words):
    decoded = tf.strings.unicode_decode([word.encode() for word in words], "UTF-8")
    result = lattice(decoded.flat_values, decoded.row_splits)
    rows = zip(*(each.numpy().tolist() for each in result[:3]), strict=True)
    return tf.RaggedTensor.from_row_splits(list(rows) or tf.zeros([0, 3], tf.int32), result.splits)


@hypothesis.given(pieces, words)
@hypothesis.settings(max_examples=75, deadline=None, derandomize=True)
def test_every_vocabulary_cuts_words_as_the_reference(pieces, words):
    vocabulary = [("<unk>", 0.0), *pieces.items()]
    theirs = Unigram(vocabulary, 0, False)
    ours = found(Lattice(*zip(*vocabulary, strict=True), 0, None), words).to_list()
    for word, rows in zip(words, ours, strict=True):
        lengths = [
            len(word.encode()[:end].decode())
            for token in theirs.tokenize(word)
            for end in token.offsets
        ]
        spans = list(zip(lengths[::2], lengths[1::2], strict=True))
        expected = [[t.id, *span] for t, span in zip(theirs.tokenize(word), spans, strict=True)]
        assert rows == expected


def test_of_equal_pieces_the_last_counts():
    vocabulary = [("<unk>", 0.0), ("a", -1.0), ("ab", -9.0), ("b", -1.0), ("ab", -1.5)]
    rows = found(Lattice(*zip(*vocabulary, strict=True), 0, None), ["ab"]).to_list()
    assert rows == [[[4, 0, 2]]]
    assert [token.id for token in Unigram(vocabulary, 0, False).tokenize("ab")] == [4]


def test_no_words():
    lattice = Lattice(["<unk>", "a"], [0.0, -1.0], 0, None)
    result = lattice(tf.zeros([0], tf.int32), tf.zeros([1], tf.int64))
    assert [each.numpy().tolist() for each in result] == [[], [], [], [0]]


def test_unknown_characters_in_bytes():
    vocabulary = [("<unk>", 0.0), ("a", -1.0), *((f"<0x{b:02X}>", -9.0) for b in range(256))]
    lattice = Lattice(*zip(*vocabulary, strict=True), 0, range(2, 258))
    rows = found(lattice, ["aé中a", "b"]).to_list()
    expected = [[2 + byte, 1, 3] for byte in "é中".encode()]
    assert rows == [[[1, 0, 1], *expected, [1, 3, 4]], [[2 + ord("b"), 0, 1]]]
