"""Long texts as rows, and the tokens of words, beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.windows import align, windows

WORDS = ["abc", "a", "w1", "cab", "jj", "xyz"]  # the last one is unknown


def spans_of(words):
    at, found = 0, []
    for word in words:
        found.append((at, at + len(word)))
        at += len(word) + 1
    return found


@settings(deadline=None, max_examples=60)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=6),
    max_length=st.integers(4, 12),
    stride=st.integers(0, 3),
)
def test_every_word_speaks_once_through_its_first_token(tokenizer, texts, max_length, stride):
    stride = min(stride, (max_length - 2) // 2)
    strings = [" ".join(words) for words in texts]
    found = windows(strings, tokenizer, max_length=max_length, stride=stride)
    tokens = align([spans_of(words) for words in texts], found)
    assert found.encoded.lengths.max() <= max_length
    flat = [(text, span) for text, words in enumerate(texts) for span in spans_of(words)]
    assert len(tokens.first) == len(flat)
    for number, (text, (start, end)) in enumerate(flat):
        token = tokens.first[number]
        assert token >= 0 and not found.special[token]
        assert found.token_owners[token] == text
        assert found.offsets[token, 0] == start
        here = (tokens.words == number) & (found.offsets[:, 0] == start)
        # No other row shows more around it.
        assert found.context[token] == found.context[here].max()
        members = np.flatnonzero(tokens.words == number)
        assert all(start <= a < b <= end for a, b in found.offsets[members])
    assert (tokens.words[found.special] == -1).all()


def test_context_counts_the_tokens_on_the_poorer_side(tokenizer):
    found = windows(["a b c d e"], tokenizer, max_length=5, stride=1)
    assert found.owners.tolist() == [0, 0]
    assert found.context.tolist() == [0, 1, 2, 1, 0] * 2


def test_texts_are_tokenised_in_parts(tokenizer, monkeypatch):
    whole = windows(["a b c d", "", "e", "f g h"], tokenizer, max_length=4, stride=0)
    monkeypatch.setattr("keras_bert_zoo.data.windows._TOKENISED_AT_ONCE", 2)
    parts = windows(["a b c d", "", "e", "f g h"], tokenizer, max_length=4, stride=0)
    np.testing.assert_array_equal(whole.encoded.input_ids, parts.encoded.input_ids)
    np.testing.assert_array_equal(whole.owners, parts.owners)
    np.testing.assert_array_equal(whole.offsets, parts.offsets)


def test_a_word_that_has_no_token(tokenizer):
    text = "a \u200b b"  # a zero-width space is deleted
    found = windows([text], tokenizer, max_length=8, stride=0)
    tokens = align([[(0, 1), (2, 3), (4, 5)]], found)
    assert (tokens.first >= 0).tolist() == [True, False, True]


@pytest.mark.parametrize("words", [[[]], [[], []]])
def test_texts_without_words(tokenizer, words):
    found = windows(["" for _ in words], tokenizer, max_length=8, stride=0)
    assert len(align(words, found).first) == 0
