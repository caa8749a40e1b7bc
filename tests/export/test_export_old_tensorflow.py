"""The exported graph in TensorFlow 2.12.1, with the tensorflow-text that servers embed."""

from __future__ import annotations

import pathlib
import pickle
import subprocess

import numpy as np
import pytest

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import process
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.savedmodel import warmup
from keras_bert_zoo.export.savedmodel.deployment import deploy

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = ROOT / ".venv-clients-tensorflow-2.12/bin/python"
KERAS = ("keras", "keras_hub", "tf_keras")
ODD = ("ＵＰ，fall！", "[MASK] rise", "价格 rise", "x" * 150, "\u0000\u200bup", "ΣΑΣ Straße İ ﬁ")


def saved_requests(model, file):
    """What was written for the warm-up, as lists and strings."""
    requests = [
        (name, {key: value.tolist() for key, value in inputs.items()})
        for name, inputs in warmup.read_requests(model)
    ]
    file.write_bytes(pickle.dumps(requests))


@pytest.mark.clients
def test_every_signature_answers_alike(artifacts, texts, tmp_path):
    examples = Examples([*texts, *ODD], [*ODD, *texts])
    served = deploy(artifacts["savedmodel"], tmp_path / "tree", examples, batch_sizes=(1, 12)).path
    saved_requests(served, tmp_path / "requests")
    command = [PYTHON, pathlib.Path(__file__).with_name("tensorflow_process.py"), served]
    subprocess.run([*command, tmp_path / "requests", tmp_path / "answers"], check=True)
    version, answers = pickle.loads((tmp_path / "answers").read_bytes())
    assert version == "2.12.1"

    runtime = FORMATS["savedmodel"].runtime
    arguments = (served, runtime, artifacts["savedmodel"].signatures, 1)
    expected = process.call(warmup.replay, *arguments, hide=KERAS)
    for ours, theirs in zip(answers, expected, strict=True):
        for name, value in theirs.items():
            if value.dtype == object:
                assert [t.decode() for t in np.ravel(ours[name])] == value.ravel().tolist()
            else:
                # Kernels of another version add in another order.
                np.testing.assert_allclose(ours[name], value, atol=1e-5)
