"""One step is one step, however the batch is cut: over parts, replicas and both."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pretrainer_process
import pytest

from keras_bert_zoo import BertEncoder, PretrainingModel
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrainer import Pretrainer

SCRIPT = pathlib.Path(pretrainer_process.__file__)


def train(*runs):
    """What each run ends with, one after the other in one process."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(SCRIPT), json.dumps(runs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


QUICK = [{"accumulation": 4}, {"replicas": 2, "accumulation": 3}]
SLOW = [{"replicas": 2}, {"replicas": 3, "accumulation": 2}]


@pytest.fixture(scope="module")
def uncut_and_quick():
    return train({}, *QUICK)


@pytest.mark.parametrize(
    "cut", [*QUICK, *(pytest.param(cut, marks=pytest.mark.slow) for cut in SLOW)], ids=str
)
def test_a_batch_cut_in_parts_gives_the_same_weights(uncut_and_quick, cut):
    one_device, *quick = uncut_and_quick
    [other] = [quick[QUICK.index(cut)]] if cut in QUICK else train(cut)
    assert other["updates"] == one_device["updates"] == pretrainer_process.STEPS
    np.testing.assert_allclose(other["weights"], one_device["weights"], atol=1e-10, rtol=0)
    for name, value in one_device["logs"].items():
        assert other["logs"][name] == pytest.approx(value, abs=1e-10), name


def test_the_step_is_that_of_keras(tiny_config):
    """Where nothing is cut, `PretrainingModel.fit` computes the same with Keras' own step."""
    config = tiny_config.replace(
        vocab_size=50,
        num_hidden_layers=1,
        max_position_embeddings=pretrainer_process.WIDTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    weights = []
    for wrap in (lambda model: model, Pretrainer):
        keras.utils.set_random_seed(1)
        model = PretrainingModel(BertEncoder(config))
        trained = wrap(model)
        trained.compile(BertAdamW(1e-2))
        for inputs, labels, counts in pretrainer_process.batches():
            trained.fit(inputs, labels, sample_weight=counts, batch_size=12, verbose=0)
        weights.append(np.concatenate([v.numpy().ravel() for v in model.weights]))
    np.testing.assert_allclose(*weights, atol=1e-5)


def test_averages_are_taken_at_the_end_alone(tiny_config):
    """A run in two `fit`s is that of one: the second does not start from averaged weights."""
    batches, config = list(pretrainer_process.batches()), tiny_config.replace(num_hidden_layers=1)
    results = []
    for parts in ((batches,), (batches[:2], batches[2:])):
        keras.utils.set_random_seed(1)
        pretrainer = Pretrainer(PretrainingModel(BertEncoder(config)))
        pretrainer.compile(BertAdamW(1e-2, use_ema=True, ema_momentum=0.9))
        for part in parts:
            x, y, w = (
                {k: np.concatenate([batch[i][k] for batch in part]) for k in part[0][i]}
                for i in range(3)
            )
            pretrainer.fit(x, y, sample_weight=w, batch_size=12, verbose=0, shuffle=False)
        plain = [v.numpy() for v in pretrainer.trainable_variables]
        pretrainer.take_averages()
        averaged = [v.numpy() for v in pretrainer.trainable_variables]
        assert any(np.abs(a - p).max() > 1e-3 for a, p in zip(averaged, plain, strict=True))
        results.append(plain + averaged)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_half_precision_scales_the_loss_alike_on_all_replicas():
    """The first scale overflows: the step is skipped on both replicas, not on one."""
    half = {"dtype": "mixed_float16", "loss_scale": 2.0**40, "accumulation": 2}
    results = train(half, {**half, "replicas": 2})
    assert results[0]["updates"] == results[1]["updates"] < pretrainer_process.STEPS
    np.testing.assert_allclose(results[1]["weights"], results[0]["weights"], atol=2e-3)


def test_refusals(tiny_config):
    model = PretrainingModel(BertEncoder(tiny_config.replace(vocab_size=50)))
    with pytest.raises(ValueError, match="accumulation must be at least 1"):
        Pretrainer(model, accumulation=0)
    pretrainer = Pretrainer(model, accumulation=5)
    pretrainer.compile(BertAdamW(1e-2))
    inputs, labels, counts = next(pretrainer_process.batches())
    with pytest.raises(ValueError, match=r"accumulation=5 must divide the rows .* are 12"):
        pretrainer.fit(inputs, labels, sample_weight=counts, batch_size=12, verbose=0)
