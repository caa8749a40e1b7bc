"""Special tokens, truncation, overflow and padding, against the reference."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest
import tensorflow as tf
from in_graph import lists
from packing_reference import STRATEGIES, calls, is_refusable, rows_of

from keras_bert_zoo.tokenizers import TokenizerError

LETTERS = [*"abcdefghijklmnopqrstuvwxyz", "unaffable", "[MASK]"]
texts = st.lists(st.sampled_from(LETTERS), max_size=14).map(" ".join)


@st.composite
def padded_calls(draw):
    """A call that may pad."""
    first, second, options = draw(calls(texts, most=4, shortest=4, overlap=lambda length: 4))
    padding = draw(st.sampled_from((False, True, "max_length")))
    if padding:
        options["padding"] = padding
        options["pad_to_multiple_of"] = draw(st.sampled_from((None, 1, 8)))
        if padding == "max_length" and "max_length" not in options:
            options["max_length"] = draw(st.integers(40, 50))
    return first, second, options


def expected(tokenizer, first, second, options):
    """The rows of the reference, padded."""
    rows = rows_of(tokenizer, first, second, options)
    if "padding" in options:
        multiple = options["pad_to_multiple_of"] or 1
        longest = max(len(row.ids) for _, row in rows)
        length = options["max_length"] if options["padding"] == "max_length" else longest
        for _, row in rows:
            row.pad(-(-length // multiple) * multiple, pad_id=0, pad_token="[PAD]")
    return rows


@hypothesis.given(padded_calls())
@hypothesis.settings(max_examples=75, deadline=None, derandomize=True)
def test_every_combination_is_packed_as_the_reference_does(tokenizer, make_pair, call):
    first, second, options = call
    reference = make_pair().theirs
    try:
        got = tokenizer(
            first, second, **options, return_offsets_mapping=True, return_special_tokens_mask=True
        )
    except (TokenizerError, tf.errors.InvalidArgumentError):
        assert _is_refusable(reference, first, second, options)
        return
    rows = expected(reference, first, second, options)
    got = lists(got)
    assert got["input_ids"] == [row.ids for _, row in rows]
    assert got["token_type_ids"] == [row.type_ids for _, row in rows]
    assert got["attention_mask"] == [row.attention_mask for _, row in rows]
    assert got["special_tokens_mask"] == [row.special_tokens_mask for _, row in rows]
    assert got["offset_mapping"] == [[list(span) for span in row.offsets] for _, row in rows]
    if options.get("return_overflowing_tokens"):
        assert got["overflow_to_sample_mapping"] == [sample for sample, _ in rows]


def _is_refusable(reference, first, second, options):
    multiple = options.get("pad_to_multiple_of") or 1
    if "truncation" in options and "padding" in options and options["max_length"] % multiple:
        return True  # transformers refuses this; tokenizers has no opinion
    return is_refusable(reference, first, second, options)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_longest_first_cuts_as_published(tokenizer, strategy):
    first, second = " ".join("abcdefgh"), " ".join("ijklmnopqrst")
    got = tokenizer(first, second, truncation=strategy, max_length=17)
    tokens = tokenizer.decode(got["input_ids"][0], clean_up_tokenization_spaces=False)
    assert (
        tokens
        == {
            "longest_first": "[CLS] a b c d e f g [SEP] i j k l m n o [SEP]",
            "only_first": "[CLS] a b [SEP] i j k l m n o p q r s t [SEP]",
            "only_second": "[CLS] a b c d e f g h [SEP] i j k l m n [SEP]",
        }[strategy]
    )


def test_shapes_and_types(tokenizer):
    fixed = tokenizer(
        ["a b", "c"], padding="max_length", max_length=16, return_offsets_mapping=True
    )
    assert {name: (value.shape.as_list(), value.dtype) for name, value in fixed.items()} == {
        "input_ids": ([2, 16], tf.int32),
        "token_type_ids": ([2, 16], tf.int32),
        "attention_mask": ([2, 16], tf.int32),
        "offset_mapping": ([2, 16, 2], tf.int32),
    }
    assert isinstance(tokenizer("a")["input_ids"], tf.RaggedTensor)
    assert tokenizer("a", padding=True)["input_ids"].shape == (1, 3)


def test_no_texts_make_no_rows(tokenizer):
    assert tokenizer([], padding=True)["input_ids"].shape == (0, 0)
    assert tokenizer([])["input_ids"].to_list() == []
    options = {"truncation": True, "max_length": 8, "return_overflowing_tokens": True}
    assert tokenizer([], [], **options)["overflow_to_sample_mapping"].shape == (0,)


def test_max_length_is_the_models_when_none_is_given(tokenizer):
    assert tokenizer("a " * 600, truncation=True)["input_ids"].row_lengths().numpy() == [512]
    assert tokenizer("a", padding="max_length")["input_ids"].shape == (1, 512)
