"""Special tokens, pairs, truncation and overflow, against the reference."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest
import tensorflow as tf
from tokenizers import Tokenizer

from keras_bert_zoo.tokenizers import TokenizerError

WORDS = ["a", " the", "  x", " naïve", "<mask>", " 中", "\n", " don't"]
texts = st.lists(st.sampled_from(WORDS), max_size=10).map("".join)
KINDS = ("roberta", "prefix", "modernbert", "types and trimmed")
STRATEGIES = ("longest_first", "only_first", "only_second")


@st.composite
def calls(draw):
    """A kind of tokenizer, texts, and the arguments of one call."""
    first = draw(st.lists(texts, min_size=1, max_size=3))
    second = draw(st.none() | st.lists(texts, min_size=len(first), max_size=len(first)))
    options = {"add_special_tokens": draw(st.booleans())}
    if draw(st.booleans()):
        strategies = STRATEGIES if second is not None else STRATEGIES[:2]
        options["truncation"] = draw(st.sampled_from(strategies))
        options["max_length"] = draw(st.integers(5, 24))
        options["return_overflowing_tokens"] = draw(st.booleans())
        if options["return_overflowing_tokens"]:
            # The reference wants it smaller than what special tokens leave, added or not.
            options["stride"] = draw(st.integers(0, min(4, options["max_length"] - 5)))
    return draw(st.sampled_from(KINDS)), first, second, options


def expected(theirs, first, second, options):
    """The rows of the reference, each with its sample."""
    tokenizer = Tokenizer.from_str(theirs.to_str())  # truncation is a state of it
    if "truncation" in options:
        tokenizer.enable_truncation(
            options["max_length"],
            stride=options.get("stride", 0),
            strategy=options["truncation"],
        )
    inputs = first if second is None else list(zip(first, second, strict=True))
    specials = options["add_special_tokens"]
    rows = []
    for sample, encoding in enumerate(tokenizer.encode_batch(inputs, add_special_tokens=specials)):
        more = encoding.overflowing if options.get("return_overflowing_tokens") else []
        rows += [(sample, row) for row in (encoding, *more)]
    return rows


@hypothesis.given(calls())
@hypothesis.settings(max_examples=100, deadline=None, derandomize=True)
def test_every_combination_is_packed_as_the_reference_does(make_pair, call):
    kind, first, second, options = call
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
        assert _is_refusable(pair.theirs, first, second, options)
        return
    rows = expected(pair.theirs, first, second, options)
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


def _is_refusable(theirs, first, second, options):
    """Whether the reference fails too, or answers with a row longer than ``max_length``."""
    try:
        rows = expected(theirs, first, second, options)
    except BaseException:  # a Rust panic is no Exception
        return True
    return any(len(row.ids) > options["max_length"] for _, row in rows)


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
