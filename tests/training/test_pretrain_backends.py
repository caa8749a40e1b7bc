"""Pretraining on another backend of Keras gives the weights it gives on TensorFlow."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import backend_process
import numpy as np
import pytest

SCRIPT = pathlib.Path(backend_process.__file__)


def train(backend):
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parity
def test_jax_trains_as_tensorflow():
    # Four updates of Adam divide by the roots of small moments: rounding grows.
    np.testing.assert_allclose(train("jax"), train("tensorflow"), atol=1e-4)
