"""The optimizer where one process cannot hold it twice: other backends, replicas."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import optimizer_process
import pytest
from transcriptions import PUBLISHED

SCRIPT = pathlib.Path(optimizer_process.__file__)


def run(task, name, backend="tensorflow"):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(SCRIPT), task, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def published(name, gradients, rates):
    steps = [[gradient] for gradient in gradients]
    return PUBLISHED[name]([optimizer_process.START], steps, rates, [True])[0]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("tensorflow", marks=pytest.mark.slow),  # in one process: test_optimizers.py
        pytest.param("jax", marks=pytest.mark.parity),
        pytest.param("torch", marks=pytest.mark.parity),
    ],
)
def test_every_backend_takes_the_published_steps(backend, name):
    wanted = published(name, optimizer_process.GRADIENTS, [0.1, 0.075])
    np.testing.assert_allclose(run("backend", name, backend), wanted, rtol=1e-5)


@pytest.mark.parametrize("name", ["BertAdamW", pytest.param("Lamb", marks=pytest.mark.slow)])
def test_the_clip_is_global_over_replicas(name):
    wanted = published(name, [np.sum(optimizer_process.GRADIENTS, axis=0)], [0.1])
    for weights in run("replicas", name):
        np.testing.assert_allclose(weights, wanted, rtol=1e-5)


@pytest.mark.slow
def test_replicas_average_their_weights_alike():
    summed = np.sum(optimizer_process.GRADIENTS, axis=0)
    steps = [published("Lamb", [summed] * count, [0.1] * count) for count in (1, 2)]
    for weights in run("averages", "Lamb"):
        np.testing.assert_allclose(weights, np.mean(steps, axis=0), rtol=1e-5)
