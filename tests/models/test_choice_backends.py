"""Choices, next and masked words, summaries: saved as `.keras`, on every backend of Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_bert_zoo.models import TASKS, BertEncoder

KINDS = ("multiple_choice", "next_sentence", "masked_lm", "extractive_summarization")
SCRIPT = """
import sys
import keras, numpy as np
import keras_bert_zoo.models

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
found = {}
for task in ("multiple_choice", "next_sentence", "masked_lm", "extractive_summarization"):
    model = keras.models.load_model(f"{folder}/{task}.keras")
    outputs = model(dict(np.load(f"{folder}/{task}.npz")))
    found |= {f"{task} {k}": keras.ops.convert_to_numpy(v) for k, v in outputs.items()}
np.savez(f"{folder}/{backend}.npz", **found)
"""


@pytest.fixture(scope="module")
def models(tiny_config, randomise):
    return {
        task: randomise(
            TASKS[task](BertEncoder(tiny_config, add_pooling_layer=task != "masked_lm"))
        )
        for task in KINDS
    }


@pytest.fixture(scope="module")
def batches(make_batch):
    rows = make_batch((12, 9, 5, 4, 2, 12), width=12)
    return {
        "multiple_choice": {name: values.reshape(2, 3, 12) for name, values in rows.items()},
        "next_sentence": rows,
        "extractive_summarization": rows,
        "masked_lm": {**rows, "masked_positions": np.array([[1, 3]] * 6, "int32")},
    }


@pytest.mark.parametrize("task", KINDS)
def test_a_saved_model_answers_the_same(task, models, batches, tmp_path):
    models[task].save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.task == task
    expected, found = models[task](batches[task]), again(batches[task])
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parity
def test_every_backend_answers_the_same(models, batches, tmp_path):
    expected = {}
    for task in KINDS:
        models[task].save(tmp_path / f"{task}.keras")
        np.savez(tmp_path / f"{task}.npz", **batches[task])
        expected |= {f"{task} {k}": np.array(v) for k, v in models[task](batches[task]).items()}
    for backend in ("jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend]
        subprocess.run(command, env=environment, check=True, timeout=300)
        found = dict(np.load(tmp_path / f"{backend}.npz"))
        assert found.keys() == expected.keys()
        for name, values in found.items():
            np.testing.assert_allclose(
                values, expected[name], rtol=0, atol=1e-5, err_msg=f"{backend} {name}"
            )
