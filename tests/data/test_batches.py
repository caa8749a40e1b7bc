from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.batches import BucketedBatches, plan
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.rows import EncodedTexts, encode, labelled_rows

BUCKETS = (4, 8, 12)


def rows_of(batches):
    return np.concatenate([batch.rows for batch in batches])


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    seed=st.none() | st.integers(0, 5),
    epoch=st.integers(0, 3),
)
def test_an_epoch_has_every_row_once_in_the_smallest_bucket(lengths, batch_size, seed, epoch):
    lengths = np.array(lengths)
    batches = plan(lengths, batch_size=batch_size, buckets=BUCKETS, seed=seed, epoch=epoch)
    np.testing.assert_array_equal(np.sort(rows_of(batches)), np.arange(len(lengths)))
    assert len(batches) == -(-len(lengths) // batch_size)
    assert sum(len(batch.rows) < batch_size for batch in batches) <= 1
    for batch in batches:
        longest = lengths[batch.rows].max()
        assert batch.width == min(bound for bound in BUCKETS if bound >= longest)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=20), data=st.data())
def test_padding_is_marked_and_nothing_is_lost(lengths, data):
    ids = [np.arange(1, length + 1) + 100 * row for row, length in enumerate(lengths)]
    flat = np.concatenate(ids).astype("int32")
    encoded = EncodedTexts(flat, flat % 2, np.array(lengths), pad_token_id=7)
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=9)))
    inputs = encoded.padded(rows, width=12)
    for place, row in enumerate(rows):
        length = lengths[row]
        np.testing.assert_array_equal(inputs["attention_mask"][place], np.arange(12) < length)
        np.testing.assert_array_equal(inputs["input_ids"][place, :length], ids[row])
        assert (inputs["input_ids"][place, length:] == 7).all()
        np.testing.assert_array_equal(inputs["token_type_ids"][place, :length], ids[row] % 2)
        assert (inputs["token_type_ids"][place, length:] == 0).all()
    assert {value.dtype for value in inputs.values()} == {np.dtype("int32")}


@settings(deadline=None)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=200),
    batch_size=st.integers(1, 9),
    limit=st.integers(1, 12),
)
def test_every_batch_has_its_share_of_each_kind(lengths, batch_size, limit):
    lengths = np.array(lengths)
    kinds = lengths > limit  # the length tells all of it
    options = {"batch_size": batch_size, "buckets": BUCKETS, "kinds": kinds}
    batches = plan(lengths, seed=1, **options)
    np.testing.assert_array_equal(np.sort(rows_of(batches)), np.arange(len(lengths)))
    for batch in batches:
        assert abs(kinds[batch.rows].sum() - kinds.mean() * len(batch.rows)) <= 1
    shuffled = plan(lengths, seed=2, **options)
    assert len(lengths) < 100 or (rows_of(batches) != rows_of(shuffled)).any()


def test_the_order_depends_on_seed_and_epoch_alone():
    lengths = np.arange(50) % 12 + 1

    def order(seed, epoch):
        return rows_of(
            plan(lengths, batch_size=4, buckets=BUCKETS, seed=seed, epoch=epoch)
        ).tolist()

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}) == 4


def test_rows_beyond_the_buckets_and_batches_of_nothing_are_refused():
    with pytest.raises(ValueError, match=r"13 tokens.*12"):
        plan(np.array([13]), batch_size=4, buckets=BUCKETS)
    with pytest.raises(ValueError, match="batch_size"):
        plan(np.array([1]), batch_size=0, buckets=BUCKETS)


def test_encode_truncates_like_the_tokenizer(tokenizer, monkeypatch):
    monkeypatch.setattr("keras_bert_zoo.data.rows._TOKENISED_AT_ONCE", 2)
    texts, pairs = ["a b c d e f", "a", "", "g h"], ["w1 w2 w3", "w1", "w2", ""]
    encoded = encode(Examples(texts, pairs), tokenizer, max_length=7)
    wanted = tokenizer(texts, pairs, truncation=True, max_length=7)
    np.testing.assert_array_equal(encoded.input_ids, wanted["input_ids"].flat_values)
    np.testing.assert_array_equal(encoded.token_type_ids, wanted["token_type_ids"].flat_values)
    np.testing.assert_array_equal(encoded.lengths, wanted["input_ids"].row_lengths())
    assert encoded.lengths.max() == 7


@pytest.fixture
def batches(tokenizer):
    texts = [" ".join("abcdefghij"[: i % 10]) for i in range(23)]
    examples = Examples(texts, labels=np.arange(23, dtype="int32"))
    rows = labelled_rows(examples, tokenizer, 12)
    return BucketedBatches(rows, batch_size=4, max_length=12, seed=5, buckets=(4, 8, 64))


def test_the_dataset_yields_the_plan_of_each_epoch(batches):
    dataset = batches.dataset()
    assert int(dataset.cardinality()) == len(batches) == 6
    for epoch in range(2):
        for batch, (inputs, labels, weights) in zip(batches.plan(epoch), dataset, strict=True):
            count = len(batch.rows)
            assert inputs["input_ids"].shape == (4, batch.width)
            np.testing.assert_array_equal(labels["logits"][:count], batch.rows)
            np.testing.assert_array_equal(weights["logits"], np.arange(4) < count)


def test_a_dataset_can_go_on_inside_an_epoch(batches):
    rest = batches.dataset(first_epoch=1, first_step=4)
    assert int(rest.cardinality()) == 2
    wanted = list(batches.dataset(first_epoch=1))[4:]
    for ours, theirs in zip(rest, wanted, strict=True):
        np.testing.assert_array_equal(ours[1]["logits"], theirs[1]["logits"])
        np.testing.assert_array_equal(ours[0]["input_ids"], theirs[0]["input_ids"])


def test_no_buffers_are_searched_for(batches):
    """The search makes an iterator wait at its end, see ``untuned``."""
    assert batches.dataset().options().autotune.enabled is False


def test_buckets_end_at_the_longest_text(batches):
    assert batches.buckets == (4, 8, 12)


def test_labels_are_needed(tokenizer):
    with pytest.raises(ValueError, match="label"):
        rows = labelled_rows(Examples(["a"]), tokenizer, 12)
        BucketedBatches(rows, batch_size=4, max_length=12)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"max_length": 2}, {"seed": -1}])
def test_numbers_that_are_too_small(tokenizer, wrong):
    [(name, value)] = wrong.items()
    rows = labelled_rows(Examples(["a"], labels=[0]), tokenizer, 12)
    with pytest.raises(ValueError, match=f"{name} must be at least .* received {value}"):
        BucketedBatches(rows, **{"batch_size": 4, "max_length": 12, **wrong})
