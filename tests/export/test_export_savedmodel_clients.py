"""SavedModels in plain TensorFlow, where Keras cannot be imported."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

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


@pytest.mark.slow
def test_text_loads_with_the_operators_alone(artifacts, libraries, texts, importable):
    hidden = (*KERAS, "tensorflow_text")
    arguments = (str(artifacts["savedmodel"].file), libraries, "serving_default")
    outputs = process.call(run_signature, *arguments, {"text": list(texts)}, hide=hidden)
    expected = artifacts["savedmodel"].run({"text": list(texts)})
    np.testing.assert_allclose(outputs["scores"], expected["scores"], atol=1e-6)


@pytest.mark.slow
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


def run_command_line(libraries: list[str], arguments: list[str]) -> None:
    """In the child: `saved_model_cli`, with the operators that it cannot load itself."""
    assert importlib.util.find_spec("keras") is None
    import tensorflow as tf
    from tensorflow.python.tools import saved_model_cli

    for library in libraries:
        tf.load_op_library(library)
    sys.argv[:] = ["saved_model_cli", *arguments]
    try:
        saved_model_cli.main()
    except SystemExit as stopped:
        assert not stopped.code, stopped.code


@pytest.mark.slow
def test_saved_model_cli_runs_text(artifacts, libraries, texts, tmp_path, importable):
    texts = [text for text in texts if ";" not in text]  # which the command splits at
    arguments = ["run", "--dir", str(artifacts["savedmodel"].file), "--tag_set", "serve"]
    arguments += ["--signature_def", "serving_default", "--outdir", str(tmp_path)]
    arguments += ["--input_exprs", f"text={texts!r}"]
    process.call(run_command_line, libraries, arguments, hide=(*KERAS, "tensorflow_text"))
    expected = artifacts["savedmodel"].run({"text": texts})
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), expected["scores"], atol=1e-6)
