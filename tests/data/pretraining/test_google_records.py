"""Google's TFRecords of masked rows, both ways."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.data.pretraining.batches import SENTENCES, WORDS, PretrainingBatches
from keras_bert_zoo.data.pretraining.google_records import (
    read_google_records,
    write_google_records,
)
from keras_bert_zoo.data.pretraining.options import BatchOptions


def record(**changes):
    """One row as `create_pretraining_data.py` writes it, by hand: width 8, 3 predictions."""
    integers = {
        "input_ids": [2, 7, 4, 3, 9, 3, 0, 0],
        "input_mask": [1, 1, 1, 1, 1, 1, 0, 0],
        "segment_ids": [0, 0, 0, 0, 1, 1, 0, 0],
        "masked_lm_positions": [2, 4, 0],
        "masked_lm_ids": [8, 9, 0],
        "next_sentence_labels": [1],
        **changes,
    }
    feature = {
        n: tf.train.Feature(int64_list=tf.train.Int64List(value=v)) for n, v in integers.items()
    }
    weights = tf.train.FloatList(value=[1.0, 1.0, 0.0])
    feature["masked_lm_weights"] = tf.train.Feature(float_list=weights)
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString()


def write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for each in records:
            writer.write(each)
    return path


def test_a_record_made_by_hand(tmp_path):
    other = record(next_sentence_labels=[0], input_ids=[2, 5, 5, 3, 5, 3, 0, 0])
    path = write(tmp_path / "one.tfrecord", [record(), other])
    (batch,) = read_google_records(path, batch_size=2)
    inputs, labels, weights = tf.nest.map_structure(lambda tensor: tensor.numpy(), batch)
    assert inputs["input_ids"].tolist() == [[2, 7, 4, 3, 9, 3, 0, 0], [2, 5, 5, 3, 5, 3, 0, 0]]
    assert inputs["attention_mask"][0].tolist() == [1, 1, 1, 1, 1, 1, 0, 0]
    assert inputs["token_type_ids"][0].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert inputs["masked_positions"][0].tolist() == [2, 4, 0]
    assert labels[WORDS][0].tolist() == [8, 9, 0]
    assert labels[SENTENCES].tolist() == [1, 0]
    assert weights[WORDS][0].tolist() == [1.0, 1.0, 0.0]
    assert weights[SENTENCES].tolist() == [1.0, 1.0]
    assert {array.dtype for array in inputs.values()} == {np.dtype("int32")}


def test_our_batches_come_back(shards, tmp_path):
    options = BatchOptions(max_length=32, max_predictions_per_seq=5)
    batches = PretrainingBatches(shards, options, batch_size=4, seed=1)
    made = list(batches.dataset().take(3))
    path = tmp_path / "rows.tfrecord"
    assert write_google_records(made, path) == 12
    for ours, theirs in zip(made, read_google_records(path, batch_size=4), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, ours, theirs)


def test_rows_that_fill_a_batch_up_are_no_records(shards, tmp_path):
    options = BatchOptions(max_length=32, max_predictions_per_seq=5)
    batches = PretrainingBatches(shards, options, batch_size=4, seed=1).fixed(4, limit=6)
    assert write_google_records(batches, tmp_path / "rows.tfrecord") == 6


def test_several_files_shuffled_without_next_sentences(tmp_path):
    for name in "ab":
        rows = [record(input_ids=[2, ord(name), n, 3, 5, 3, 0, 0]) for n in range(20)]
        write(tmp_path / f"{name}.tfrecord", rows)
    pattern = tmp_path / "*.tfrecord"

    def rows(seed):
        dataset = read_google_records(pattern, batch_size=8, next_sentence=False, seed=seed)
        batches = list(dataset)
        assert all(labels.keys() == weights.keys() == {WORDS} for _, labels, weights in batches)
        return np.concatenate([inputs["input_ids"] for inputs, _, _ in batches]).tolist()

    assert rows(1) == rows(1) != rows(None)
    assert sorted(rows(1)) == sorted(rows(None))


@pytest.mark.slow
def test_the_model_learns_from_them(tiny_config, tmp_path):
    from keras_bert_zoo.models import BertEncoder
    from keras_bert_zoo.models.pretraining import PretrainingModel

    path = write(tmp_path / "rows.tfrecord", [record()] * 8)
    model = PretrainingModel(BertEncoder(tiny_config))
    model.compile(keras.optimizers.SGD(0.1))
    batches = read_google_records(path, batch_size=4).repeat()
    history = model.fit(batches, epochs=3, steps_per_epoch=2, verbose=0, shuffle=False).history
    assert history["loss"][-1] < history["loss"][0]


def test_what_is_refused(shards, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\*' fits no file"):
        read_google_records("none*", batch_size=2)
    example = tf.train.Example().SerializeToString()
    with pytest.raises(ValueError, match=r"other has no record of create_pretraining_data"):
        read_google_records(write(tmp_path / "other", [example]), batch_size=2)
    with pytest.raises(ValueError, match="lacks"):
        read_google_records(write(tmp_path / "empty", []), batch_size=2)
    options = BatchOptions(sentences="none", packed=True, max_length=32)
    packed = PretrainingBatches(shards, options, batch_size=4, seed=1).dataset().take(1)
    with pytest.raises(ValueError, match="The rows are packed"):
        write_google_records(packed, tmp_path / "packed")
