"""Batches of shards: rows as published, the same on any number of workers and after a stop."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from keras_bert_zoo.corpus.shards import ShardError
from keras_bert_zoo.data.pretraining import epochs
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.options import BatchOptions

CLS, SEP, PAD, MASK = 2, 3, 0, 4
KINDS = {
    "next": {"sentences": "next"},
    "order": {"sentences": "order", "masking": "whole_word"},
    "full": {"sentences": "none", "masking": "ngram"},
    "packed": {"sentences": "none", "masking": "span", "packed": True},
    "causal": {"sentences": "none", "objective": "causal"},
    "causal packed": {"sentences": "none", "objective": "causal", "packed": True},
}
MASKED = ("next", "order", "full", "packed")


def make(shards, kind="next", batch_size=16, seed=7, **values):
    values = {"max_length": 64, "max_predictions_per_seq": 9, **KINDS[kind], **values}
    return PretrainingBatches(shards, BatchOptions(**values), batch_size=batch_size, seed=seed)


def taken(dataset, count):
    """Batches as one dict of arrays each."""
    return [
        {
            **x,
            **{f"label {name}": value for name, value in y.items()},
            **{f"weight {name}": value for name, value in w.items()},
        }
        for x, y, w in dataset.take(count).as_numpy_iterator()
    ]


def assert_equal(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def unmasked(batch):
    """The ids before they were masked, if they were."""
    ids = batch["input_ids"].copy()
    if "masked_positions" not in batch:
        return ids
    rows, places = np.nonzero(batch["weight prediction_logits"])
    where = batch["masked_positions"][rows, places]
    ids[rows, where] = batch["label prediction_logits"][rows, places]
    return ids


def rows_of(batches):
    """Ids before masking, mask and segments of each row; not those that fill a batch up."""
    for batch in batches:
        words = "prediction_logits" if "masked_positions" in batch else "logits"
        real = batch[f"weight {words}"].any(axis=1)
        yield from zip(
            unmasked(batch)[real].tolist(),
            batch["attention_mask"][real],
            batch["token_type_ids"][real].tolist(),
            strict=True,
        )


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_holds_the_texts_between_special_tokens(shards, documents, kind):
    batches, tokens = make(shards, kind), 0
    corpus = [np.concatenate(document).tolist() for document in documents]
    runs = {tuple(text[i : i + n]) for text in corpus for n in (1, 2) for i in range(len(text))}
    for ids, numbers, types in rows_of(taken(batches.fixed(128), -1)):
        width = int((numbers > 0).sum())
        assert ids[0] == CLS and ids[width - 1] == SEP and set(ids[width:]) <= {PAD}
        assert (numbers[:width] > 0).all()
        runs_of_ids = itertools.groupby(ids, lambda index: index in (CLS, SEP, PAD))
        texts = [list(run) for special, run in runs_of_ids if not special]
        tokens += sum(map(len, texts))
        assert all(pair in runs for text in texts for pair in itertools.pairwise(text))
        if kind in ("next", "order"):
            first = len(texts[0]) + 2
            assert types == [0] * first + [1] * (width - first) + [0] * (64 - width)
            assert len(texts) == 2
        else:
            assert not any(types)
    whole = sum(map(len, corpus))
    if kind not in ("next", "order"):
        assert tokens == whole


def test_packed_documents_do_not_see_each_other(shards, documents):
    corpus = {tuple(np.concatenate(document).tolist()) for document in documents}
    seen = set()
    batches = make(shards, "packed", max_length=128)
    for batch in taken(batches.dataset(), batches.epoch_steps):
        ids = unmasked(batch)
        for row, numbers, positions in zip(
            ids, batch["attention_mask"], batch["position_ids"], strict=True
        ):
            assert sorted({*numbers.tolist()} - {0}) == list(range(1, numbers.max() + 1))
            for number in range(1, numbers.max() + 1):
                places = np.flatnonzero(numbers == number)
                assert (np.diff(places) == 1).all()
                np.testing.assert_array_equal(positions[places], np.arange(len(places)))
                text = row[places].tolist()
                assert text[0] == CLS and text[-1] == SEP
                seen.add(tuple(text[1:-1]))
    short = {text for text in corpus if len(text) <= 126}
    assert len(short - seen) <= 16 * 10  # the rows of the part of a batch that is left out
    assert len(short & seen) > 0.8 * len(short)
    assert batches.efficiency > 0.97


@pytest.mark.parametrize(
    ("kind", "workers"),
    [("next", 2), ("packed", 2), ("full", 4), ("causal", 4), ("causal packed", 2)],
)
def test_any_number_of_workers_sees_the_same_batches(shards, kind, workers):
    batches = make(shards, kind)
    steps = batches.epoch_steps + 3
    alone = taken(batches.dataset(), steps)
    parts = [
        taken(make(shards, kind).dataset(worker=worker, workers=workers), steps)
        for worker in range(workers)
    ]
    joined = [
        {name: np.concatenate([part[name] for part in step]) for name in step[0]}
        for step in zip(*parts, strict=True)
    ]
    assert_equal(joined, alone)


@pytest.mark.parametrize("kind", ["next", "causal"])
def test_going_on_at_any_step_equals_not_stopping(shards, monkeypatch, kind):
    # Two shards are a block, so that an epoch has two.
    monkeypatch.setattr(epochs, "BLOCK_TOKENS", sum(sorted(shards.tokens)[-2:]))
    batches = make(shards, kind, batch_size=64)
    steps = 2 * batches.epoch_steps + 2
    whole = taken(batches.dataset(), steps)
    assert len(batches._epochs.blocks(0)) == 2
    for step in (0, 5, 10, 12, steps - 2):
        position = json.loads(json.dumps(batches.position(step)))
        assert position["step"] <= step
        fresh = make(shards, kind, batch_size=64)
        assert_equal(taken(fresh.dataset(step, position), 2), whole[step : step + 2])
        # The one that went on knows where it is, too.
        assert fresh.position(step) == position
    # Without a position the way there is planned anew.
    assert_equal(taken(make(shards, kind, batch_size=64).dataset(steps - 1), 1), whole[-1:])


def test_with_a_position_nothing_before_is_planned(shards, monkeypatch):
    batches = make(shards)
    step = 3 * batches.epoch_steps
    position = batches.position(step)
    fresh, planned = make(shards), []
    plan = fresh._epochs.plan
    monkeypatch.setattr(fresh._epochs, "plan", lambda *at: planned.append(at) or plan(*at))
    taken(fresh.dataset(step, position), 1)
    # The first tells whether there are rows enough.
    assert min(planned[1:]) >= (position["epoch"], position["block"])
    with pytest.raises(ValueError, match=r"step 0 is before step \d+"):
        fresh.position(0)


@pytest.mark.parametrize("kind", MASKED)
def test_every_epoch_has_other_rows_and_other_masks(shards, kind):
    batches = make(shards, kind)
    steps = batches.epoch_steps
    by_epoch = [
        [make_hashable(batch) for batch in taken(batches.dataset(first), steps - 1)]
        for first in (0, steps + 1)
    ]
    rows = [{ids for epoch in batch for ids, _ in epoch} for batch in by_epoch]
    # Packed, the pieces of a document that is longer than a row are the same.
    assert len(rows[0] & rows[1]) < (0.7 if kind == "packed" else 0.3) * len(rows[0])
    masks = [dict(pair for batch in epoch for pair in batch) for epoch in by_epoch]
    shared = masks[0].keys() & masks[1].keys()
    assert sum(masks[0][ids] == masks[1][ids] for ids in shared) <= 0.1 * len(shared)


def make_hashable(batch):
    return list(
        zip(map(bytes, unmasked(batch)), map(bytes, batch["masked_positions"]), strict=True)
    )


def test_another_seed_gives_other_batches(shards):
    one, two = (taken(make(shards, seed=seed).dataset(), 1)[0] for seed in (1, 2))
    assert (one["input_ids"] != two["input_ids"]).mean() > 0.5


def test_the_model_s_types(shards):
    batch = taken(make(shards, "packed").dataset(), 1)[0]
    shapes = {name: (value.shape, value.dtype.name) for name, value in batch.items()}
    square, places = ((16, 64), "int32"), ((16, 9), "int32")
    assert shapes == {
        **dict.fromkeys(("input_ids", "token_type_ids", "attention_mask", "position_ids"), square),
        "masked_positions": places,
        "label prediction_logits": places,
        "weight prediction_logits": ((16, 9), "float32"),
    }
    pair = taken(make(shards).dataset(), 1)[0]
    assert "position_ids" not in pair
    assert pair["label seq_relationship_logits"].dtype == "int32"
    np.testing.assert_array_equal(pair["weight seq_relationship_logits"], np.ones(16, "float32"))


@pytest.mark.slow
def test_the_model_learns_from_them(save_shards, tmp_path, tiny_config):
    """What can be learned is that the text has ten words."""
    import keras

    from keras_bert_zoo import BertEncoder, PretrainingModel

    keras.utils.set_random_seed(0)
    config = tiny_config.replace(vocab_size=1000, max_position_embeddings=64)
    model = PretrainingModel(BertEncoder(config))
    model.compile(keras.optimizers.Adam(1e-2))
    words = np.random.default_rng(0).integers(5, 15, (200, 6, 12))
    shards = save_shards(tmp_path, [list(document) for document in words])
    steps = {"steps_per_epoch": 15, "epochs": 2, "shuffle": False, "verbose": 0}
    history = model.fit(make(shards).dataset(), **steps).history
    assert history["loss"][1] < history["loss"][0] - 1


def test_a_fixed_set_is_the_same_each_time_and_holds_every_row_once(shards):
    batches = make(shards, "full")
    fixed = batches.fixed(32)
    assert_equal(taken(fixed, -1), taken(make(shards, "full").fixed(32), -1))
    weights = [batch["weight prediction_logits"] for batch in taken(fixed, -1)]
    assert sum((weight.sum(axis=1) > 0).sum() for weight in weights) == batches.rows
    assert {weight.shape for weight in weights} == {(32, 9)}
    some = taken(make(shards).fixed(32, limit=40), -1)
    assert [batch["weight seq_relationship_logits"].sum() for batch in some] == [32, 8]
    assert not some[1]["weight prediction_logits"][8:].any()


def test_words_of_a_segmentation_are_masked_whole(tmp_path, documents, save_shards):
    # No token is a piece by its spelling; words are pairs of tokens.
    texts = [[np.full(40, 9), np.full(20, 8)] for _ in range(40)]
    words = [[np.arange(40) % 2, np.arange(20) % 2] for _ in range(40)]
    shards = save_shards(tmp_path, texts, words=words)
    for batch in taken(make(shards, "full", masking="whole_word", batch_size=8).dataset(), 4):
        for positions, weights in zip(
            batch["masked_positions"], batch["weight prediction_logits"], strict=True
        ):
            places = positions[weights > 0].reshape(-1, 2)
            assert len(places) and (np.diff(places) == 1).all()


def test_impossible_requests_are_refused(shards, tmp_path, documents, save_shards):
    with pytest.raises(ValueError, match=r"at least 1, received \{'batch_size': 0\}"):
        make(shards, batch_size=0)
    with pytest.raises(ValueError, match=r"\(16\) must be a multiple of workers.*0 of 3"):
        make(shards).dataset(workers=3)
    with pytest.raises(ValueError, match="worker 2 of 2"):
        make(shards).dataset(worker=2, workers=2)
    with pytest.raises(ValueError, match=r"rows of 64 tokens, fewer than one batch of 4096"):
        make(shards, batch_size=4096).dataset()
    with pytest.raises(ValueError, match="seed must be 0 or more"):
        make(shards, seed=-1)
    with pytest.raises(ValueError, match="'limit': 0"):
        make(shards).fixed(2, limit=0)
    other = save_shards(tmp_path / "other", documents[:5])
    manifest = json.loads((other.directory / "shards.json").read_text())
    manifest["vocabulary"] = "0" * 16
    other.manifest = manifest
    with pytest.raises(ShardError, match="another vocabulary"):
        make(other)
    other.manifest = {**manifest, "shards": []}
    with pytest.raises(ValueError, match=r"another vocabulary|no tokens"):
        make(other)


@pytest.mark.slow
def test_a_program_ends_while_batches_are_drawn(shards):
    # Without an end to the generator about one such program in five hangs.
    program = f"""
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.options import BatchOptions
shards = Shards({str(shards.directory)!r})
batches = PretrainingBatches(shards, BatchOptions(), batch_size=8, seed=1)
iterators = [iter(batches.dataset()) for _ in range(8)]
for iterator in iterators:
    next(iterator)
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
