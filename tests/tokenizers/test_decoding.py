"""Ids back to text, and text to tokens."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.tokenizers import TokenizerError

WORDS = ["do", "not", "don", "'", "t", "s", ".", ",", "!", "?", "n't", "##s", "[MASK]", "re", "'s"]


@hypothesis.given(st.lists(st.integers(0, 30_521) | st.sampled_from(range(990, 1060)), max_size=12))
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_decodes_as_the_reference(make_pair, ids):
    pair = make_pair()
    for skip in (False, True):
        theirs = pair.theirs.decode(ids, skip_special_tokens=skip)
        assert pair.ours.decode(ids, skip_special_tokens=skip) == theirs


def test_what_joining_leaves_is_cleaned_on_request(tokenizer):
    ids = tokenizer("do n't stop , it 's John ' s .", add_special_tokens=False)["input_ids"][0]
    assert tokenizer.decode(ids) == "do n ' t stop, it ' s john ' s."
    cleaned = tokenizer.decode(ids, clean_up_tokenization_spaces=True)
    assert cleaned == "don't stop, it's john's."


@pytest.mark.parity
def test_cleans_as_transformers(tokenizer, checkpoint):
    import transformers

    theirs = transformers.AutoTokenizer.from_pretrained(checkpoint)
    generator = np.random.default_rng(0)
    for _ in range(300):
        text = " ".join(generator.choice(WORDS, 8))
        ids = theirs(text)["input_ids"]
        for clean in (None, False, True):
            options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": clean}
            assert tokenizer.decode(ids, **options) == theirs.decode(ids, **options)


def test_every_form_of_ids(tokenizer):
    encoded = tokenizer(["a b", "c"], padding=True)["input_ids"]
    texts = ["[CLS] a b [SEP]", "[CLS] c [SEP] [PAD]"]
    for form in (encoded, encoded.numpy(), encoded.numpy().tolist()):
        assert tokenizer.batch_decode(form) == texts
        assert tokenizer.decode(form[0]) == texts[0]
    ragged = tokenizer(["a b", "c"])["input_ids"]
    assert tokenizer.batch_decode(ragged, skip_special_tokens=True) == ["a b", "c"]
    assert tokenizer.decode([]) == ""


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([5, -100], r"received \[-100\].*-100, before decoding"),
        ([30_522], r"must be in \[0, 30522\)"),
        ([[1, 2]], "use batch_decode"),
        ([1.0], "sequence of integers"),
    ],
)
def test_what_is_no_sequence_of_ids(tokenizer, ids, message):
    with pytest.raises(TokenizerError, match=message):
        tokenizer.decode(ids)


def test_tokens_of_one_text_and_of_many(tokenizer, make_pair):
    text = "Unaffable [MASK], 你好！"
    expected = make_pair().theirs.encode(text, add_special_tokens=False).tokens
    assert tokenizer.tokenize(text) == expected
    many = tokenizer.tokenize([text, ""])
    assert isinstance(many, tf.RaggedTensor)
    assert many.to_list() == [[token.encode() for token in expected], []]


def test_ids_and_sizes(tokenizer, vocabulary):
    assert tokenizer.vocabulary == vocabulary
    assert tokenizer.vocab_size == 30_522
    assert tokenizer.model_max_length == 512
    roles = ("pad", "unk", "cls", "sep", "mask")
    assert [getattr(tokenizer, f"{role}_token_id") for role in roles] == [0, 100, 101, 102, 103]
    assert (tokenizer.num_special_tokens(), tokenizer.num_special_tokens(pair=True)) == (2, 3)
