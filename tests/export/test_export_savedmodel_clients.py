"""SavedModels in plain TensorFlow, where Keras cannot be imported."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from keras_bert_zoo.export import process

KERAS = ("keras", "keras_hub", "tf_keras")


def run_signature(path: str, libraries: list[str], signature: str, inputs: dict) -> dict:
    """In the child: `tf.saved_model.load`, as a Python server does it."""
    assert importlib.util.find_spec("keras") is None
    import tensorflow as tf

    for library in libraries:
        tf.load_op_library(library)
    function = tf.saved_model.load(path).signatures[signature]
    outputs = function(**{name: tf.constant(value) for name, value in inputs.items()})
    return {name: value.numpy() for name, value in outputs.items()}


@pytest.fixture(scope="module")
def libraries():
    from keras_bert_zoo.export.runtimes import TEXT_LIBRARIES

    package = pathlib.Path(importlib.util.find_spec("tensorflow_text").origin).parent
    return [str(package / "python" / "ops" / name) for name in TEXT_LIBRARIES]


@pytest.fixture
def importable(monkeypatch):
    """Lets the child find this module."""
    here = str(pathlib.Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", here)


def test_ids_load_without_keras(artifacts, keras_bundle, encode, texts, importable):
    inputs = encode(texts[:2])
    arguments = (str(artifacts["savedmodel-ids"].file), [], "ids", inputs)
    logits = process.call(run_signature, *arguments, hide=KERAS)["logits"]
    expected = keras_bundle.model(inputs, training=False)["logits"]
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_text_loads_with_the_operators_alone(artifacts, libraries, texts, importable):
    hidden = (*KERAS, "tensorflow_text")
    arguments = (str(artifacts["savedmodel"].file), libraries, "serving_default")
    outputs = process.call(run_signature, *arguments, {"text": list(texts)}, hide=hidden)
    expected = artifacts["savedmodel"].run({"text": list(texts)})
    np.testing.assert_allclose(outputs["scores"], expected["scores"], atol=1e-6)


def test_saved_model_cli_runs_ids(artifacts, keras_bundle, encode, texts, tmp_path):
    # The session loader is stricter than Python's: it finds each variable by its own name.
    inputs = encode(texts[:2])
    for key, value in inputs.items():
        np.save(tmp_path / f"{key}.npy", value)
    paths = ";".join(f"{key}={tmp_path / key}.npy" for key in inputs)
    command = [str(pathlib.Path(sys.executable).with_name("saved_model_cli")), "run"]
    command += ["--dir", str(artifacts["savedmodel-ids"].file), "--tag_set", "serve"]
    command += ["--signature_def", "ids", "--inputs", paths, "--outdir", str(tmp_path)]
    subprocess.run(command, capture_output=True, check=True)
    expected = keras_bundle.model(inputs, training=False)["logits"]
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-5)


@pytest.mark.slow
def test_example_serves_text_over_http(artifacts, texts):
    example = pathlib.Path(__file__).parents[2] / "examples" / "serve_savedmodel.py"
    command = [sys.executable, str(example), str(artifacts["savedmodel"].file), "--port", "0"]
    expected = artifacts["savedmodel"].run({"text": list(texts)})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip()
            predictions = _post(url, {"instances": list(texts)})["predictions"]
            with pytest.raises(urllib.error.HTTPError, match="400"):
                _post(url, {"texts": []})
        finally:
            server.kill()
    assert [row["label"] for row in predictions] == expected["label"].tolist()
    np.testing.assert_allclose(
        [row["scores"] for row in predictions], expected["scores"], atol=1e-6
    )


def _post(url: str, body: dict) -> dict:
    with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as answer:
        return json.load(answer)
