"""Rows with two sides: what a decoder reads, and what it is to say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writers import tiny_writer

from keras_bert_zoo import WordPieceTokenizer
from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.batches import BucketedBatches, plan
from keras_bert_zoo.data.packed_pairs import packed
from keras_bert_zoo.data.pair_rows import PairRows, ended, pair_rows
from keras_bert_zoo.data.rows import EncodedTexts

PAD, START, END, LONGEST = 0, 1, 2, 12
SIDES = st.lists(
    st.tuples(st.integers(1, LONGEST), st.integers(0, LONGEST - 1)), min_size=1, max_size=40
)


def texts(lengths, first):
    """Tokens that no two texts share."""
    lengths = np.array(lengths, "int64")
    ids = np.arange(first, first + lengths.sum(), dtype="int32")
    return EncodedTexts(ids, ids % 2, lengths, PAD)


def rows_of(sides):
    reads, writes = zip(*sides, strict=True)
    written = ended(texts(writes, 2000), END)
    return PairRows(
        texts(reads, 1000), token_labels={"logits": written.input_ids}, written=written, start=START
    )


def pairs_of(rows):
    """The tokens of each pair."""
    sides = (rows.encoded, rows.answered)
    cut = [np.split(side.input_ids, np.cumsum(side.lengths)[:-1]) for side in sides]
    return [tuple(map(tuple, pair)) for pair in zip(*cut, strict=True)]


@settings(deadline=None)
@given(sides=SIDES, batch_size=st.integers(1, 9), seed=st.none() | st.integers(0, 3))
def test_every_pair_is_there_once_and_labels_are_inputs_shifted(sides, batch_size, seed):
    rows = rows_of(sides)
    batches = BucketedBatches(
        rows, batch_size=batch_size, max_length=LONGEST, seed=seed, buckets=(4, 8)
    )
    found = []
    for batch in batches.plan(0):
        inputs, labels, weights = batches.filled(batch)
        reads, writes = batch.width
        lengths = rows.lengths[batch.rows]
        for side, width in enumerate(batch.width):
            longest = lengths[:, side].max()
            assert width == min(bound for bound in (4, 8, LONGEST) if bound >= longest)
        assert inputs["input_ids"].shape == (batch_size, reads)
        assert inputs["decoder_input_ids"].shape == (batch_size, writes) == labels["logits"].shape
        assert {values.dtype for values in inputs.values()} == {np.dtype("int32")}
        for place in range(len(batch.rows)):
            mask = inputs["decoder_attention_mask"][place]
            count = int(mask.sum())
            assert (mask == (np.arange(writes) < count)).all()
            read, wanted = inputs["decoder_input_ids"][place], labels["logits"][place]
            assert read[0] == START and wanted[count - 1] == END
            np.testing.assert_array_equal(read[1:count], wanted[: count - 1])
            assert (read[count:] == PAD).all() and (wanted[count:] == IGNORED).all()
            np.testing.assert_array_equal(weights["logits"][place], mask)
            source = inputs["input_ids"][place][inputs["attention_mask"][place] > 0]
            found.append((tuple(source), tuple(wanted[:count])))
        assert not weights["logits"][len(batch.rows) :].any()
    assert sorted(found) == sorted(pairs_of(rows))


@settings(deadline=None)
@given(sides=SIDES, room=st.integers(LONGEST, 30))
def test_packing_loses_nothing(sides, room):
    rows = rows_of(sides)
    together = packed(rows, room)
    assert len(together) <= len(rows) and together.lengths.max() <= room
    # No two rows fit into one, or the later would have been put into the earlier.
    if len(together) > 1:
        small = together.lengths[np.argsort(together.lengths.max(axis=1))[:2]]
        assert (small.sum(axis=0) > room).any()
    every = np.arange(len(together))
    inputs, labels = together.inputs(every, [room, room]), together.targets(every, [room, room])[0]
    found = []
    for row in every:
        reads, writes = inputs["attention_mask"][row], inputs["decoder_attention_mask"][row]
        assert reads.max() == writes.max()
        for number in range(1, reads.max() + 1):
            wanted = labels["logits"][row][writes == number]
            begun = inputs["decoder_input_ids"][row][writes == number]
            assert begun[0] == START
            np.testing.assert_array_equal(begun[1:], wanted[:-1])
            for mask, name in ((reads, "position_ids"), (writes, "decoder_position_ids")):
                places = inputs[name][row][mask == number]
                np.testing.assert_array_equal(places, np.arange(len(places)))
            found.append((tuple(inputs["input_ids"][row][reads == number]), tuple(wanted)))
        assert (labels["logits"][row][writes == 0] == IGNORED).all()
    assert sorted(found) == sorted(pairs_of(rows))


def test_padding_is_little_on_both_sides():
    random = np.random.default_rng(0)
    reads = random.integers(5, 100, 4000)
    writes = np.maximum(1, reads + random.integers(-20, 20, 4000))
    lengths = np.stack([reads, writes], axis=1)
    batches = plan(lengths, batch_size=32, seed=0)
    shares = [
        sum(lengths[each.rows, side].sum() for each in batches)
        / sum(len(each.rows) * each.width[side] for each in batches)
        for side in (0, 1)
    ]
    # What is read decides first; of what is written a batch of 32 spans more widths.
    assert shares[0] > 0.9 and shares[1] > 0.8, shares


def test_a_model_gives_packed_pairs_the_numbers_they_have_alone():
    rows = rows_of([(5, 3), (2, 6), (7, 1), (3, 3)])
    for side in (rows.encoded, rows.written):
        side.input_ids[:] = side.input_ids % 50 + 3
    together = packed(rows, 16)
    assert len(together) < len(rows)
    scores = []
    for each, options in ((rows, {}), (together, {"packed": True})):
        model = tiny_writer("marian", **options)
        model.compile("sgd")
        batches = BucketedBatches(each, batch_size=len(each), max_length=16)
        scores.append(model.evaluate(batches.dataset().take(1), verbose=0))
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_texts_are_cut_and_ended():
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
    tokenizer = WordPieceTokenizer(words, model_max_length=8)
    ids = {"start": 2, "end": 3, "max_length": 5, "max_target_length": 3}
    rows = pair_rows(["a b c a", "b"], ["c b a", ""], tokenizer, **ids)
    assert rows.encoded.input_ids.tolist() == [2, 5, 6, 7, 3, 2, 6, 3]
    assert rows.written.input_ids.tolist() == [7, 6, 3, 3]
    assert rows.read_before.tolist() == [2, 7, 6, 2]
    assert rows.row_tokens.tolist() == [8, 4]
    asked = pair_rows(["a"], None, tokenizer, **ids)
    assert set(asked.inputs(np.array([0]), 4)) == {*asked.names}
    with pytest.raises(ValueError, match="nothing that is to be written"):
        packed(asked, 8)
    with pytest.raises(ValueError, match="longest side has 5 tokens, a row max_length=4"):
        packed(rows, 4)
