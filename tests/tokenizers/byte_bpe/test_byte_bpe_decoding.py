"""Ids back to text, and text to tokens."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.tokenizers import TokenizerError
from keras_bert_zoo.tokenizers.byte_bpe import alphabet

KINDS = ("roberta", "modernbert")


@hypothesis.given(st.sampled_from(KINDS), st.lists(st.integers(0, 1990), max_size=12))
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_decodes_as_the_reference(make_pair, kind, ids):
    pair = make_pair(kind)
    for skip in (False, True):
        theirs = pair.theirs.decode(ids, skip_special_tokens=skip)
        assert pair.ours.decode(ids, skip_special_tokens=skip) == theirs


@pytest.mark.parametrize("kind", KINDS)
def test_added_tokens_decode_as_the_reference(make_pair, kind):
    pair = make_pair(kind)
    ids = list(range(pair.ours.vocab_size - 40, pair.ours.vocab_size))
    for skip in (False, True):
        theirs = pair.theirs.decode(ids, skip_special_tokens=skip)
        assert pair.ours.decode(ids, skip_special_tokens=skip) == theirs


def test_texts_come_back(make_pair):
    tokenizer = make_pair("roberta").ours
    texts = [tweet.text for tweet in load_tweets()["test"][:50]] + ["  中 \n\t naïve😀", ""]
    ids = tokenizer(texts)["input_ids"]
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == texts
    # Byte-level tokens hold their spaces: there is nothing to clean up.
    spaced = tokenizer("a , b .", add_special_tokens=False)["input_ids"][0]
    assert tokenizer.decode(spaced, clean_up_tokenization_spaces=True) == "a , b ."


def test_tokens_of_one_text_and_of_many(make_pair):
    pair = make_pair("roberta")
    text = "The naïve <mask> isn't 中"
    ids = pair.theirs.encode(text, add_special_tokens=False).ids
    expected = [pair.theirs.id_to_token(index) for index in ids]
    assert pair.ours.tokenize(text) == expected
    assert pair.ours.tokenize([text, ""]).to_list() == [[token.encode() for token in expected], []]


def test_a_token_does_not_tell_whether_it_begins_a_word(make_pair):
    with pytest.raises(TokenizerError, match="ByteBpeTokenizer do not tell"):
        make_pair("roberta").ours.continues()


def test_the_alphabet_is_the_references():
    from tokenizers.pre_tokenizers import ByteLevel

    assert set(alphabet.CHARACTERS) == set(ByteLevel.alphabet())
    text = "".join(map(chr, range(0x180)))
    spelled = "".join(
        token for token, _ in ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    )
    assert alphabet.bytes_of(spelled) == text.encode()
