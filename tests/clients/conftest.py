"""A tiny encoder and a tiny classifier, exported; clients run in environments of their own."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import string
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
TEXTS = ("shares rise", "Café prices fell; nobody knows why.", "up")
LABELS = {0: "down", 1: "flat", 2: "up"}
# Largest difference from Keras, in the hidden states of a random encoder, which spread by 1,
# and its logits: 4-bit weights are off by some 5 %, 8-bit ones by 1 %, 16-bit ones by 0.05 %.
TOLERANCES = {
    "onnx": 1e-4,
    "onnx-fused": 1e-4,
    "onnx-beside": 1e-4,
    "onnx-float16": 0.02,
    "onnx-int8": 0.3,
    "onnx-int4": 0.8,
}
VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ";", "shares", "rise", "up"),
    *string.ascii_lowercase,
    *(f"##{letter}" for letter in string.ascii_lowercase),
)


@pytest.fixture(scope="session")
def bundles(tiny_config: Any, randomise: Callable[[Any], Any]) -> dict[str, Any]:
    """Bundles in memory by the name of their main output."""
    from keras_bert_zoo.bundle import Bundle
    from keras_bert_zoo.models import BertEncoder, SequenceClassifier
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    config = tiny_config.replace(vocab_size=len(VOCABULARY), max_position_embeddings=80)
    words = WordPieceTokenizer(VOCABULARY)
    labelled = config.replace(problem_type="single_label_classification", id2label=LABELS)
    models = {
        "last_hidden_state": randomise(BertEncoder(config)),
        "logits": randomise(SequenceClassifier(BertEncoder(labelled))),
    }
    return {name: Bundle(model, words, model.config) for name, model in models.items()}


@pytest.fixture(scope="session")
def exports(bundles: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, pathlib.Path]:
    """Directories by main output and format; `onnx-beside` has its weights in a second file."""
    from keras_bert_zoo.export.conversion import export
    from keras_bert_zoo.export.onnx.writer import export as write

    found = {}
    for output, bundle in bundles.items():
        names = [name for name in TOLERANCES if name != "onnx-beside"]
        folder = tmp_path_factory.mktemp(output)
        for artifact in export(bundle, folder, names, progress=False):
            found[output, artifact.format] = artifact.path
        beside = shutil.copytree(found[output, "onnx"], folder / "onnx-beside")
        write(bundle, beside / "onnx" / "model.onnx", limit=10_000)
        found[output, "onnx-beside"] = beside
    return found


@pytest.fixture(scope="session")
def ids(bundles: Any) -> dict[str, np.ndarray]:
    """The texts as the tokenizer of this project pads them."""
    encoded = bundles["logits"].tokenizer(list(TEXTS), padding=True)
    return {name: tensor.numpy() for name, tensor in encoded.items()}


@pytest.fixture(scope="session")
def keras_outputs(bundles: Any, ids: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What Keras says to the texts."""
    outputs = {name: b.model(ids, training=False)[name] for name, b in bundles.items()}
    return {name: np.asarray(value) for name, value in outputs.items()}


@pytest.fixture(scope="session")
def ask() -> Callable[..., Any]:
    """Runs a client's program in its environment; it must print one line of JSON at the end."""

    def asked(environment: str, program: str, *arguments: Any) -> Any:
        folder = ROOT / f".venv-clients-{environment}"
        if not folder.is_dir():
            pytest.fail(f"{folder} does not exist: `make clients` sets it up.")
        path = pathlib.Path(__file__).parent / "programs" / program
        command = {".py": [folder / "bin" / "python", "-P"], ".mjs": ["node"]}[path.suffix]
        given = json.dumps([str(folder), *arguments])
        # Only what lies in the artifact may be used.
        environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        environ.pop("PYTHONPATH", None)
        done = subprocess.run(
            [*map(str, command), str(path), given], capture_output=True, text=True, env=environ
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return asked


@pytest.fixture
def agrees(keras_outputs: Any) -> Callable[..., None]:
    """Compares what a client says with Keras, within the tolerance of the format."""

    def check(output: str, name: str, found: Any, expected: Any = None) -> None:
        expected = keras_outputs[output] if expected is None else expected
        np.testing.assert_allclose(np.array(found), expected, rtol=0, atol=TOLERANCES[name])

    return check
