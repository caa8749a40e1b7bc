"""Bad arguments get an error that says what to do."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.tokenizers import TokenizerError, WordPieceTokenizer


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        b"a b",
        ["a b"],
        ("a b",),
        iter(["a b"]),
        np.array("a b"),
        np.array(["a b"]),
        np.array(["a b"], object),
        np.array([b"a b"]),
        tf.constant("a b"),
        tf.constant(["a b"]),
    ],
    ids=lambda text: type(text).__name__,
)
def test_every_form_of_text(tokenizer, text):
    assert tokenizer(text)["input_ids"].to_list() == [[101, 1037, 1038, 102]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "received NoneType"),
        (3, "received int"),
        ({"text": "a"}, "received dict"),
        (["a", None], "Every item of text must be a string, received None"),
        (["a", 1.5], "received 1.5"),
        ([["a", "b"]], "received \\['a', 'b'\\]"),
        (np.array([1, 2]), "received 1"),
        (tf.constant([1, 2]), "tensor of strings"),
        (tf.ragged.constant([["a"], ["b", "c"]]), "dense tensor"),
    ],
)
def test_what_is_no_text(tokenizer, text, message):
    with pytest.raises(TypeError, match=message):
        tokenizer(text)


@pytest.mark.parametrize("text", [np.array([["a"]]), tf.constant([["a"]])])
def test_nested_texts(tokenizer, text):
    with pytest.raises(ValueError, match="rank 0 or 1"):
        tokenizer(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "left"}, "padding must be one of"),
        ({"truncation": "first"}, "truncation must be one of"),
        ({"truncation": "only_second"}, "needs text_pair"),
        ({"truncation": True, "max_length": 1}, "at least 2"),
        ({"truncation": True, "max_length": 0}, "max_length must be an integer of at least 1"),
        ({"truncation": True, "max_length": 8.0}, "max_length must be an integer"),
        ({"stride": -1}, "stride must be an integer of at least 0"),
        ({"pad_to_multiple_of": 0}, "pad_to_multiple_of must be"),
        (
            {"truncation": True, "max_length": 6, "stride": 4, "return_overflowing_tokens": True},
            r"stride must be smaller than max_length without the special tokens \(6 - 2\)",
        ),
        (
            {"truncation": True, "max_length": 9, "padding": True, "pad_to_multiple_of": 8},
            "must be a multiple",
        ),
    ],
)
def test_options_that_contradict(tokenizer, options, message):
    with pytest.raises(TokenizerError, match=message):
        tokenizer("a b c d e f", **options)


def test_pairs_of_different_number(tokenizer):
    with pytest.raises(TokenizerError, match="same number of texts, received 2 and 1"):
        tokenizer(["a", "b"], ["c"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def encode(first, second):
        return tokenizer(first, second)["input_ids"]

    with pytest.raises(tf.errors.InvalidArgumentError, match="same number of texts"):
        encode(["a", "b"], ["c"])


@pytest.mark.parametrize(
    ("pair", "options", "message"),
    [
        ("b " * 9, {"truncation": "only_first", "max_length": 8}, "too short to respect"),
        (
            "b " * 9,
            {"truncation": True, "max_length": 9, "stride": 3, "return_overflowing_tokens": True},
            "stride must be smaller than what truncation leaves",
        ),
        (None, {"padding": "max_length", "max_length": 4}, "more than 4 tokens"),
    ],
)
def test_texts_that_do_not_allow_what_is_asked(tokenizer, pair, options, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tokenizer("a " * 6, pair, **options)


@pytest.mark.parametrize(
    ("tokens", "options", "message"),
    [
        ("vocab.txt", {}, "from_directory"),
        (["[UNK]", 3], {}, "must hold strings"),
        (["[UNK]", "\ud800"], {}, "no text"),
        (None, {"mask_token": "[M]"}, r"lacks the special tokens \['\[M\]'\]"),
        (None, {"do_lower_case": "yes"}, "of the wrong type.*do_lower_case"),
        (None, {"model_max_length": 0}, "model_max_length"),
        (None, {"added_tokens": ["[E]"]}, "added_tokens a mapping"),
        (None, {"added_tokens": {"@": True}}, r"at least 3 bytes, received \['@'\]"),
        (None, {"added_tokens": {"é" * 129: True}}, "At most .* of at most 256 bytes each"),
        (None, {"added_tokens": {"one[": True}}, "may begin inside 'one\\['"),
        (None, {"added_tokens": {f"[E{i}]": True for i in range(2000)}}, "At most 1024"),
    ],
)
def test_a_tokenizer_that_cannot_be(vocabulary, tokens, options, message):
    with pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer(tokens or vocabulary, **options)


def test_an_unknown_option(vocabulary):
    with pytest.raises(TypeError, match="lowercase"):
        WordPieceTokenizer(vocabulary, lowercase=True)


def test_lengths_may_be_numpy_integers(tokenizer):
    encoded = tokenizer("a b b b", truncation=True, max_length=np.int64(4))
    assert encoded["input_ids"].to_list() == [[101, 1037, 1038, 102]]
