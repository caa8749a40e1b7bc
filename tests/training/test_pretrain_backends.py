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


@pytest.mark.parity
def test_the_page_trains_on_jax(shards, tmp_path):
    """The code of docs/pretraining.md, with fewer and smaller batches."""
    page = (pathlib.Path(__file__).parents[2] / "docs/pretraining.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    for published, small in {"batch_size=256": "batch_size=8", "epoch=1000": "epoch=2"}.items():
        assert published in code
        code = code.replace(published, small)
    sizes = {
        "vocab_size": 1000,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 128,
    }
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/shards").symlink_to(shards)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "prediction_logits" in done.stdout or "loss" in done.stdout
