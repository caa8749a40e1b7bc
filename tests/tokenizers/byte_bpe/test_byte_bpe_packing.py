"""Special tokens, pairs, truncation and overflow, against the reference."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest
import tensorflow as tf
from packing_reference import calls, is_refusable, rows_of

from keras_bert_zoo.tokenizers import TokenizerError

WORDS = ["a", " the", "  x", " naïve", "<mask>", " 中", "\n", " don't"]
texts = st.lists(st.sampled_from(WORDS), max_size=10).map("".join)
KINDS = ("roberta", "prefix", "modernbert", "types and trimmed")


def overlap(length):
    """The reference wants it smaller than what special tokens leave, added or not."""
    return min(4, length - 5)


@hypothesis.given(st.sampled_from(KINDS), calls(texts, most=3, shortest=5, overlap=overlap))
@hypothesis.settings(max_examples=50, deadline=None, derandomize=True)
def test_every_combination_is_packed_as_the_reference_does(make_pair, kind, call):
    first, second, options = call
    pair = make_pair(kind)
    try:
        got = pair.ours(
            first,
            second,
            **options,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_sequence_ids=True,
        )
    except (TokenizerError, tf.errors.InvalidArgumentError):
        assert is_refusable(pair.theirs, first, second, options)
        return
    rows = rows_of(pair.theirs, first, second, options)
    mapping = got.pop("overflow_to_sample_mapping", None)
    got = {name: values.to_list() for name, values in got.items()}
    assert got["input_ids"] == [row.ids for _, row in rows]
    # Without special tokens, RoBERTa's post-processor forgets windows: type 1 stays there.
    if options["add_special_tokens"] or pair.ours.options.template.pair[-1].type_id:
        assert got["token_type_ids"] == [row.type_ids for _, row in rows]
    if options["add_special_tokens"]:
        numbers = [[-1 if n is None else n for n in row.sequence_ids] for _, row in rows]
        assert got["sequence_ids"] == numbers
    assert got["special_tokens_mask"] == [row.special_tokens_mask for _, row in rows]
    assert got["offset_mapping"] == [[list(span) for span in row.offsets] for _, row in rows]
    if mapping is not None:
        assert mapping.numpy().tolist() == [sample for sample, _ in rows]


def test_templates(make_pair):
    roberta, modernbert = (make_pair(kind).ours for kind in ("roberta", "modernbert"))
    assert (roberta.num_special_tokens(), roberta.num_special_tokens(pair=True)) == (2, 4)
    assert (modernbert.num_special_tokens(), modernbert.num_special_tokens(pair=True)) == (2, 3)
    assert roberta.decode(roberta("a", "b")["input_ids"][0]) == "<s>a</s></s>b</s>"
    assert modernbert.decode(modernbert("a", "b")["input_ids"][0]) == "[CLS]a[SEP]b[SEP]"
    padded = roberta(["a b", "c"], padding="max_length", max_length=8)
    assert {name: (row.shape.as_list(), row.dtype) for name, row in padded.items()} == {
        name: ([2, 8], tf.int32) for name in ("input_ids", "token_type_ids", "attention_mask")
    }
    assert padded["input_ids"][1, -1].numpy() == roberta.pad_token_id == 1


def test_no_texts_make_no_rows(make_pair):
    tokenizer = make_pair("modernbert").ours
    assert tokenizer([], padding=True, return_offsets_mapping=True)["input_ids"].shape == (0, 0)
    options = {"truncation": True, "max_length": 8, "return_overflowing_tokens": True}
    assert tokenizer([], [], **options)["overflow_to_sample_mapping"].shape == (0,)


@pytest.mark.parametrize(
    ("pair", "options", "message"),
    [
        ("b", {"truncation": True, "max_length": 3}, "max_length must be at least 4"),
        (None, {"padding": "max_length", "max_length": 4}, "more than 4 tokens"),
    ],
)
def test_lengths_that_are_too_small(make_pair, pair, options, message):
    errors = (TokenizerError, tf.errors.InvalidArgumentError)
    with pytest.raises(errors, match=message):
        make_pair("roberta").ours("a b c d e f", pair, **options)
