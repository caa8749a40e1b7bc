"""A tiny encoder and a tiny classifier, exported; clients run in environments of their own."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import string
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
TEXTS = ("shares rise", "Café prices fell; nobody knows why.", "up")
LABELS = {0: "down", 1: "flat", 2: "up"}
# Its weights lie in a second file; otherwise it is `onnx`.
BESIDE = "onnx-beside"
# The largest difference from Keras in hidden states that spread by 1. Float32 has that of
# `verify`; the others have 1.5 times what was measured on these weights and texts: 0.0043, 0.066
# and 0.45 in onnxruntime, 0.0014 and 0.042 in LiteRT.
TOLERANCES = {
    "onnx": 1e-4,
    "onnx-fused": 1e-4,
    BESIDE: 1e-4,
    "onnx-float16": 0.0065,
    "onnx-int8": 0.1,
    "onnx-int4": 0.7,
    "tflite": 1e-4,
    "tflite-float16": 0.002,
    "tflite-int8": 0.065,
    "savedmodel-ids": 1e-4,
}
ONNX = tuple(name for name in TOLERANCES if name.startswith("onnx"))
TFLITE = tuple(name for name in TOLERANCES if name.startswith("tflite"))
# Runtimes that share their arithmetic; the same operators were equal to the bit, and means and
# probabilities computed from them to 3e-7.
SAME = 1e-6
VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ";", "shares", "rise", "up"),
    *string.ascii_lowercase,
    *(f"##{letter}" for letter in string.ascii_lowercase),
)


class Answers(NamedTuple):
    """Output of a model for the texts: in one padded batch if it takes one, and for each alone."""

    padded: Any
    alone: list[np.ndarray]


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
def exports(bundles: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    """Artifacts by main output and format."""
    from keras_bert_zoo.export.conversion import export

    found = {}
    for output, bundle in bundles.items():
        folder = tmp_path_factory.mktemp(output)
        names = [name for name in TOLERANCES if name != BESIDE]
        for artifact in export(bundle, folder, names, progress=False):
            found[output, artifact.format] = artifact
        found[output, BESIDE] = export_beside(bundle, folder)
    return found


def export_beside(bundle: Any, folder: pathlib.Path) -> Any:
    """Exports as `export` does, in this process, where a file may have no more than 10 kB."""
    from keras_bert_zoo.bundle import save
    from keras_bert_zoo.export import Artifact
    from keras_bert_zoo.export.conversion import convert
    from keras_bert_zoo.export.onnx import file

    saved = save(bundle.model, bundle.tokenizer, folder / "bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "LARGEST", 10_000)
        convert(str(saved), folder / "beside", ["onnx"], {"lengths": None})
    return Artifact.load(folder / "beside" / "onnx")


@pytest.fixture(scope="session")
def batches(bundles: Any) -> list[dict[str, np.ndarray]]:
    """What this project's tokenizer makes of the texts: padded together, then each alone."""
    tokenizer = bundles["logits"].tokenizer
    encoded = [tokenizer(texts, padding=True) for texts in (list(TEXTS), *([t] for t in TEXTS))]
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in encoded]


@pytest.fixture(scope="session")
def ids(batches: list[dict[str, np.ndarray]]) -> dict[str, list[list[int]]]:
    """The padded batch, for JSON."""
    return {name: value.tolist() for name, value in batches[0].items()}


@pytest.fixture(scope="session")
def keras_answers(bundles: Any, batches: Any) -> dict[str, Answers]:
    """What Keras says to the texts, by main output."""
    found = {}
    for name, bundle in bundles.items():
        padded, *alone = [np.asarray(bundle.model(b, training=False)[name]) for b in batches]
        found[name] = Answers(padded, [each[0] for each in alone])
    return found


@pytest.fixture(scope="session")
def own_answers(exports: Any, batches: Any) -> Callable[[str, str], Answers]:
    """What a file says in the runtime that this environment has for its format."""
    from keras_bert_zoo.export.measurement import measure

    @functools.cache
    def answers(output: str, name: str) -> Answers:
        artifact = exports[output, name]
        open_batch = artifact.signature.inputs[0].axes[0] == "batch"
        rows = batches if open_batch else batches[1:]
        made = [m[output] for m in measure(artifact, artifact.signatures, rows).outputs]
        alone = [each[0] for each in made[-len(TEXTS) :]]
        return Answers(made[0] if open_batch else None, alone)

    return answers


@pytest.fixture(scope="session")
def ask() -> Callable[..., Any]:
    """Runs a client's program; it must print one line of JSON at the end.

    Python's programs run in the environment named by the first argument, others in Node.
    """

    def asked(environment: str, program: str, *arguments: Any) -> Any:
        path = pathlib.Path(__file__).parent / "programs" / program
        python = ROOT / f".venv-clients-{environment}" / "bin" / "python"
        command = {".py": [python, "-P"], ".mjs": ["node"]}[path.suffix]
        if environment != "node" and not python.exists():
            pytest.fail(f"{python} does not exist: `make clients` sets it up.")
        # Only what lies in the artifact may be used.
        environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        environ.pop("PYTHONPATH", None)
        done = subprocess.run(
            [*map(str, command), str(path), json.dumps(arguments)],
            capture_output=True,
            text=True,
            env=environ,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return asked


@pytest.fixture(scope="session")
def agrees(keras_answers: Any, own_answers: Any) -> Callable[..., None]:
    """Compares what a client says with Keras, and with our own run of the same file.

    The tolerance to Keras is that of the format. `spread` is that between runtimes; `None`
    skips that comparison. `of` picks what the client returned from the answers.
    """

    def check(
        output: str,
        name: str,
        found: Any,
        of: Callable[[Answers], Any] = lambda answers: answers.padded,
        *,
        spread: float | None = SAME,
    ) -> None:
        references = {"Keras": (keras_answers[output], TOLERANCES[name])}
        if spread is not None:
            references["our own run"] = (own_answers(output, name), spread)
        for kind, (reference, tolerance) in references.items():
            for expected, answer in zip(of(reference), found, strict=True):
                np.testing.assert_allclose(answer, expected, rtol=0, atol=tolerance, err_msg=kind)

    return check
