"""The TFRecords of Google's ``create_pretraining_data.py``, both ways. TensorFlow-only.

``B`` is the batch size, ``S`` the width of a row, ``P`` the number of predictions in it. Each
record is one row with its words masked already, whatever the epoch.
"""

from __future__ import annotations

import glob
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.dataset_options import untuned
from keras_bert_zoo.data.pretraining.batches import SENTENCES, WORDS

# input of the model: feature of the record; the others are named where they are used
_INPUTS = {
    "input_ids": "input_ids",
    "attention_mask": "input_mask",
    "token_type_ids": "segment_ids",
    "masked_positions": "masked_lm_positions",
}
_WORD_IDS, _WORD_WEIGHTS, _NEXT = "masked_lm_ids", "masked_lm_weights", "next_sentence_labels"
_INTEGERS = (*_INPUTS.values(), _WORD_IDS, _NEXT)
_Batch = tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def read_google_records(
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    batch_size: int,
    next_sentence: bool = True,
    seed: int | None = None,
) -> tf.data.Dataset:
    """Batches for a ``PretrainingModel``, once over the records; the last batch may be short.

    >>> model.fit(read_google_records("rows-*", batch_size=32).repeat(), steps_per_epoch=1000)

    Args:
        files: names or patterns.
        batch_size: ``B``.
        next_sentence: whether the model predicts next sentences.
        seed: shuffles the files and 10,000 records at a time; ``None`` keeps the order.

    Returns:
        Batches as of ``PretrainingBatches``: int32 inputs ``(B, S)`` and
        ``masked_positions`` ``(B, P)``, labels ``(B, P)`` and ``(B,)``, float32 weights.

    Raises:
        FileNotFoundError: a name or pattern fits no file.
        ValueError: the first record is none of that program.
        tf.errors.DataLossError: on reading, where a file is damaged.
        tf.errors.InvalidArgumentError: on reading, where a row has another width.
    """
    names = [files] if isinstance(files, str | os.PathLike) else files
    paths = [path for name in names for path in _matching(os.fspath(name))]
    features = _features(paths)

    def parsed(records: tf.Tensor) -> _Batch:
        found = tf.io.parse_example(records, features)
        integers = {name: tf.cast(found[name], tf.int32) for name in _INTEGERS}
        inputs = {ours: integers[theirs] for ours, theirs in _INPUTS.items()}
        labels = {WORDS: integers[_WORD_IDS], SENTENCES: integers[_NEXT][:, 0]}
        weights = {WORDS: found[_WORD_WEIGHTS], SENTENCES: tf.ones_like(records, tf.float32)}
        kept = (WORDS, SENTENCES) if next_sentence else (WORDS,)
        return inputs, {n: labels[n] for n in kept}, {n: weights[n] for n in kept}

    if seed is not None:
        paths = np.random.default_rng(seed).permutation(paths).tolist()
    records = tf.data.TFRecordDataset(paths)
    if seed is not None:
        records = records.shuffle(10_000, seed)
    dataset = records.batch(batch_size).map(parsed, tf.data.AUTOTUNE).prefetch(2)
    return dataset.with_options(untuned())


def write_google_records(batches: Iterable[_Batch], path: str | os.PathLike[str]) -> int:
    """Writes batches as ``create_pretraining_data.py`` does, one record for each row.

    Args:
        batches: as ``read_google_records`` and ``PretrainingBatches`` give them; of the
            latter's ``dataset()``, which has no end, ``take`` some. Rows of weight 0, which
            fill a batch up, are left out. Without next sentences their label is 0.
        path: of the file; it is replaced.

    Returns:
        The number of records.

    Raises:
        ValueError: rows are packed, which that format has no place for.
    """
    written = 0
    with tf.io.TFRecordWriter(os.fspath(path)) as writer:
        for inputs, labels, weights in batches:
            columns = _columns(inputs, labels, weights)
            for row in np.flatnonzero(np.asarray(weights[WORDS]).any(axis=1)):
                values = {name: column[row] for name, column in columns.items()}
                writer.write(_example(values).SerializeToString())
                written += 1
    return written


def _matching(name: str) -> list[str]:
    found = sorted(glob.glob(name))  # noqa: PTH207 (of absolute patterns too)
    if not found:
        raise FileNotFoundError(f"{name!r} fits no file of records.")
    return found


def _features(paths: Sequence[str]) -> dict[str, tf.io.FixedLenFeature]:
    """The features of all records, with the widths of the first."""
    record = next(iter(tf.data.TFRecordDataset(paths).take(1)), None)
    example = tf.train.Example.FromString(b"" if record is None else record.numpy())
    found = example.features.feature
    missing = [name for name in (*_INTEGERS, _WORD_WEIGHTS) if name not in found]
    if missing:
        raise ValueError(
            f"{pathlib.Path(paths[0])} has no record of create_pretraining_data.py first: it "
            f"lacks {missing}."
        )
    integers = {name: (len(found[name].int64_list.value), tf.int64) for name in _INTEGERS}
    sizes = {**integers, _WORD_WEIGHTS: (len(found[_WORD_WEIGHTS].float_list.value), tf.float32)}
    return {name: tf.io.FixedLenFeature([n], kind) for name, (n, kind) in sizes.items()}


def _columns(
    inputs: Mapping[str, Any], labels: Mapping[str, Any], weights: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Features of a batch by name, each ``(B, …)``."""
    if "position_ids" in inputs:
        raise ValueError(
            "The rows are packed, which these records have no place for. Make batches with "
            "packed=False."
        )
    words = np.asarray(labels[WORDS])
    following = np.asarray(labels.get(SENTENCES, np.zeros(len(words), np.int32)))
    return {
        **{theirs: np.asarray(inputs[ours]) for ours, theirs in _INPUTS.items()},
        _WORD_IDS: words,
        _WORD_WEIGHTS: np.asarray(weights[WORDS]),
        _NEXT: following[:, None],
    }


def _example(values: Mapping[str, np.ndarray]) -> tf.train.Example:
    train = tf.train
    features = {
        name: train.Feature(int64_list=train.Int64List(value=value))
        if name in _INTEGERS
        else train.Feature(float_list=train.FloatList(value=value))
        for name, value in values.items()
    }
    return train.Example(features=train.Features(feature=features))
