"""Batches of artifacts, side by side."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from keras_bert_zoo.export import predictor, workers
from keras_bert_zoo.export.workers import Workers

FORMATS = ("tflite-int8", "onnx-int8", "savedmodel-ids")


def threads_of(run, count, encode):
    """The threads in which so many batches were run."""
    names = []

    def noted(batch):
        names.append(threading.current_thread())
        return run(batch)

    batches = (encode(["rise"], 4 + number) for number in range(count))
    assert len(list(run.map(noted, batches))) == count
    return set(names)


@pytest.mark.parametrize("name", FORMATS)
def test_answers_are_those_of_one_batch_after_the_other(artifacts, encode, texts, name):
    batches = [encode([text], 20 + length) for length in range(9) for text in texts]
    alone = Workers(artifacts[name], threads=1)
    expected = [alone(batch)["logits"] for batch in batches]
    run = Workers(artifacts[name], threads=2)
    found = [each["logits"] for each in run.map(run, iter(batches))]
    # Sums of other parts of a row: the first formats round what they compute to 8 bits.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_several_batches_are_run_by_workers_and_one_by_none(artifacts, encode):
    run = Workers(artifacts["onnx-int8"], threads=2)
    assert threads_of(run, 1, encode) == {threading.main_thread()}
    found = threads_of(run, 24, encode)
    assert run.count == 2 and threading.main_thread() not in found
    for alone in (Workers(artifacts["onnx-int8"], 1), Workers(artifacts["savedmodel-ids"], 2)):
        assert threads_of(alone, 3, encode) == {threading.main_thread()}


def test_copies_of_weights_have_a_bound(artifacts, monkeypatch):
    artifact = artifacts["tflite-int8"]
    assert Workers(artifact, threads=8).count == 4
    monkeypatch.setattr(workers, "_ROOM", 2 * artifact.size)
    assert Workers(artifact, threads=8).count == 2
    monkeypatch.setattr(workers, "_ROOM", 1)
    assert Workers(artifact, threads=8).count == 1


def test_a_batch_that_is_refused_ends_the_others(artifacts, encode):
    run = Workers(artifacts["onnx-int8"], threads=2)
    batches = [encode(["rise"], 8), {"input_ids": np.ones((1, 4000), "int32")}, encode(["a"], 8)]
    with pytest.raises(ValueError, match="at most 80 tokens in a row"):
        list(run.map(run, batches))


def test_a_predictor_asks_more_than_one_batch(artifacts, texts):
    many = [*texts] * 9
    few, all_at_once = (predictor(artifacts["onnx"], batch_size=size) for size in (4, 99))
    for answer, expected in zip(few(many), all_at_once(many), strict=True):
        assert answer["scores"] == pytest.approx(expected["scores"], abs=1e-5)
