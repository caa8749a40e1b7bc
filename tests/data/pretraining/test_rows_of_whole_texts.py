"""Full sentences and packed rows: every token once, no row too long, little padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.full_sentences import plan_full_sentences
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.packing import pack, plan_packed
from keras_bert_zoo.data.pretraining.runs import ranges

DOCUMENTS = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=8), min_size=1, max_size=20)
PLANS = {False: plan_full_sentences, True: plan_packed}


def block_of(documents):
    return Block((), np.cumsum(np.concatenate(documents)), np.cumsum([len(d) for d in documents]))


def options_of(width, packed):
    return BatchOptions(
        max_length=width, sentences="none", packed=packed, max_predictions_per_seq=1
    )


def tokens_of(rows, packed):
    """Places that each row takes, special tokens counted."""
    pieces = np.diff(rows.splits)
    return np.add.reduceat(rows.lengths, rows.splits[:-1]) + pieces + (pieces if packed else 1)


@pytest.mark.parametrize("packed", PLANS)
@settings(deadline=None)
@given(documents=DOCUMENTS, width=st.integers(3, 24), seed=st.integers(0, 3))
def test_every_token_is_in_one_row(packed, documents, width, seed):
    block = block_of(documents)
    rows = PLANS[packed](block, options_of(width, packed), np.random.default_rng(seed))
    places = ranges(rows.starts, rows.lengths)
    np.testing.assert_array_equal(np.sort(places), np.arange(block.sentence_ends[-1]))
    sizes = tokens_of(rows, packed)
    assert sizes.max() <= width and (np.diff(rows.splits) > 0).all()
    # A piece does not go on in the next document.
    bounds = block.sentence_ends[block.document_ends - 1]
    document = np.searchsorted(bounds, rows.starts, side="right")
    assert (rows.starts + rows.lengths <= bounds[document]).all()
    last = rows.splits[1:] - 1
    np.testing.assert_array_equal(rows.closes, np.isin((rows.starts + rows.lengths)[last], bounds))


@settings(deadline=None)
@given(documents=DOCUMENTS, width=st.integers(3, 24), seed=st.integers(0, 3))
def test_full_sentences_leave_no_room_for_the_next(documents, width, seed):
    block = block_of(documents)
    rows = plan_full_sentences(block, options_of(width, False), np.random.default_rng(seed))
    ends = block.sentence_ends
    bounds = set(ends[block.document_ends - 1].tolist())
    for row, size in enumerate(tokens_of(rows, False)[:-1]):
        last, following = rows.splits[row + 1] - 1, rows.starts[rows.splits[row + 1]]
        stop = rows.starts[last] + rows.lengths[last]
        sentence = ends[np.searchsorted(ends, following, side="right")] - following
        # Within a document no separator is added; a sentence that is longer than a row was
        # cut before.
        added = min(sentence, width - 2) + (stop in bounds)
        assert size + added > width or following not in {0, *ends.tolist()}


def test_documents_come_in_another_order_each_time():
    block = block_of([[5]] * 50)
    plans = [
        plan_full_sentences(block, options_of(20, False), np.random.default_rng(seed)).starts
        for seed in (0, 1)
    ]
    assert plans[0].tolist() != plans[1].tolist()


@settings(deadline=None)
@given(histogram=st.lists(st.integers(0, 9), min_size=2, max_size=40))
def test_packing_uses_every_size_as_often_as_it_is_there(histogram):
    histogram = np.array([0, *histogram])
    fills = pack(histogram)
    used = np.zeros_like(histogram)
    for fill, count in fills.items():
        assert count > 0 and sum(fill) < len(histogram)
        np.add.at(used, list(fill), count)
    np.testing.assert_array_equal(used, histogram)


def test_packing_finds_the_perfect_fit():
    # 7 + 3, 6 + 4, 5 + 5, and one that nothing fits.
    histogram = np.bincount([7, 3, 6, 4, 5, 5, 9], minlength=11)
    assert sorted(pack(histogram)) == [(5, 5), (6, 4), (7, 3), (9,)]


@pytest.mark.parametrize("width", [128, 512])
def test_little_is_padding_where_lengths_are_as_in_life(width):
    # Log-normal, as lengths of messages and paragraphs are.
    lengths = np.random.default_rng(0).lognormal(3.5, 1.0, 20_000).astype(int) + 1
    block = block_of([[length] for length in lengths])
    rows = plan_packed(block, options_of(width, True), np.random.default_rng(0))
    sizes = tokens_of(rows, True)
    assert sizes.sum() / (len(rows) * width) >= 0.97
