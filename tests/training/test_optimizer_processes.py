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

SCRIPT = pathlib.Path(optimizer_process.__file__)


def run(task, backend):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(SCRIPT), task]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def published(gradients, rates):
    weights, m, v = np.array(optimizer_process.START), 0.0, 0.0
    for gradient, rate in zip(gradients, rates, strict=True):
        gradient = np.array(gradient)
        gradient = gradient / max(np.linalg.norm(gradient), 1.0)
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        weights = weights - rate * (m / (np.sqrt(v) + 1e-6) + 0.01 * weights)
    return weights


@pytest.mark.parametrize(
    "backend",
    [
        "tensorflow",
        pytest.param("jax", marks=pytest.mark.parity),
        pytest.param("torch", marks=pytest.mark.parity),
    ],
)
def test_every_backend_takes_the_published_steps(backend):
    wanted = published(optimizer_process.GRADIENTS, [0.1, 0.075])
    np.testing.assert_allclose(run("backend", backend), wanted, rtol=1e-5)


def test_the_clip_is_global_over_replicas():
    wanted = published([np.sum(optimizer_process.GRADIENTS, axis=0)], [0.1])
    np.testing.assert_allclose(run("replicas", "tensorflow"), wanted, rtol=1e-5)
