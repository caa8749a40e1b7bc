"""TensorFlow 2.12.1, which knows neither Keras 3 nor this project, on SavedModels of ids."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from .conftest import ROOT

pytestmark = pytest.mark.clients


def test_saved_model_load(exports, ids, ask, agrees):
    output = "last_hidden_state"
    file = exports[output, "savedmodel-ids"].file
    answer = ask("tensorflow-2.12", "tensorflow_client.py", output, str(file), ids)
    assert answer["version"] == "2.12.1"
    agrees(output, "savedmodel-ids", answer["values"], spread=None)


def test_saved_model_cli(exports, batches, agrees, tmp_path):
    output = "logits"
    for name, value in batches[0].items():
        np.save(tmp_path / f"{name}.npy", value.astype("int32"))
    files = ";".join(f"{name}={tmp_path / name}.npy" for name in batches[0])
    command = [ROOT / ".venv-clients-tensorflow-2.12/bin/saved_model_cli", "run"]
    command += ["--dir", exports[output, "savedmodel-ids"].file, "--tag_set", "serve"]
    command += ["--signature_def", "ids", "--inputs", files, "--outdir", tmp_path]
    subprocess.run([*map(str, command)], check=True)
    agrees(output, "savedmodel-ids", np.load(tmp_path / f"{output}.npy"), spread=None)
