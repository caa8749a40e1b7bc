"""Merges that no trainer would make, against the reference's order of one after another."""

from __future__ import annotations

import itertools

import hypothesis
import hypothesis.strategies as st
import pytest
import tensorflow as tf
from tokenizers import Tokenizer, models

from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS
from keras_bert_zoo.tokenizers.byte_bpe.merging import Merger
from keras_bert_zoo.tokenizers.byte_bpe.source import ByteBpeOptions, ByteBpeSource

pytestmark = pytest.mark.parity
SPECIALS = ["<unk>", "</s>", "<pad>", "<s>", "<mask>"]


class Both:
    """The reference and ours over the same merges."""

    def __init__(self, merges):
        words = dict.fromkeys([*SPECIALS, *CHARACTERS, *(a + b for a, b in merges)])
        ids = {word: index for index, word in enumerate(words)}
        self.theirs = Tokenizer(models.BPE(vocab=ids, merges=merges))
        self.ours = Merger(ByteBpeSource(list(ids), merges, ByteBpeOptions()))

    def differences(self, words):
        none = tf.fill([len(words)], -1)
        ours = self.ours(tf.constant(words), none).to_list()
        theirs = [self.theirs.encode(word).ids for word in words]
        return [each for each in zip(words, theirs, ours, strict=True) if each[1] != each[2]]


@st.composite
def merges(draw):
    """Pairs of what there is by then, in any order: tokens are made in several ways, and a
    token may be part of an earlier merge than the one that makes it."""
    tokens, found = list("abc"), []
    for _ in range(draw(st.integers(0, 12))):
        pair = draw(st.sampled_from(tokens)), draw(st.sampled_from(tokens))
        found.append(pair)
        tokens.append("".join(pair))
    return draw(st.permutations(found))


@hypothesis.given(merges(), st.lists(st.text("abc", max_size=200), min_size=1, max_size=8))
@hypothesis.settings(max_examples=30, deadline=None, derandomize=True)
def test_any_merges(found, words):
    assert Both(found).differences(words) == []


def test_a_token_made_in_two_ways():
    # Merging (a, bc) makes abc, which (x, abc) is waiting for though it comes first.
    found = [("b", "c"), ("x", "abc"), ("abc", "a"), ("a", "bc"), ("a", "b"), ("ab", "c")]
    words = ["xabcabc", "abcabcabc" * 40, "xabc" * 300, "abca" * 200 + "x" + "abc" * 200]
    assert Both(found).differences(words) == []


def test_what_is_far_away_reaches_over_many_tokens():
    # Each merge takes in one more: from the left end, at last, to where (y, z) waits.
    grown = ["w" + "a" * count for count in range(12)]
    chain = [(token, "a") for token in grown]
    found = [*chain, ("a" * 1, "y"), (grown[-1] + "a", "y"), ("y", "z")]
    words = ["w" + "a" * count + "yz" for count in range(40)]
    assert Both(found).differences(words) == []


def test_runs_of_equal_tokens():
    found = [("x", "x"), ("xx", "xx"), ("xxxx", "x"), ("y", "x")]
    words = ["x" * count for count in range(60)] + ["y" + "x" * count for count in range(60)]
    words += ["x" * 501 + "y" + "x" * 500, "yx" * 300]
    assert Both(found).differences(words) == []


def test_a_long_word_of_pairs_that_wait():
    """Each pair of letters has a rank of its own, and waits for that of the pair before it."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    found = list(itertools.product(letters, letters))
    chain = "".join(itertools.chain.from_iterable(found))
    assert Both(found).differences([chain * 200, "ab" * 100_000]) == []


def test_a_word_that_would_take_the_square_of_its_length():
    # Each abc that is made is, before the next, part of xabc.
    both = Both([("b", "c"), ("x", "abc"), ("a", "bc")])
    assert both.differences(["xabc" * 500]) == []
    with pytest.raises(tf.errors.InvalidArgumentError, match="Put spaces into the text"):
        both.ours(tf.constant(["ab", "xabc" * 5_000]), tf.constant([-1, -1]))


def test_no_words_and_no_merges():
    assert (
        Both([("a", "b")]).ours(tf.constant([], tf.string), tf.constant([], tf.int32)).nrows() == 0
    )
    assert Both([]).differences(["", "abc"]) == []


def test_whole_words_are_left_alone():
    both = Both([("a", "b")])
    found = both.ours(tf.constant(["ab", "ab", "", "ab"]), tf.constant([-1, 0, 3, 4]))
    merged = both.theirs.encode("ab").ids
    assert found.to_list() == [merged, [0], [3], [4]]
