"""Size and fidelity of ONNX precisions: hidden states of MiniLM on tweets, against float32.

    python benchmarks/onnx_precision.py [--texts 60]

Cosines are of each token's last hidden state, and of the mean over each text, in ONNX Runtime.
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

import keras_bert_zoo
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.export.onnx import file as onnx_file
from keras_bert_zoo.export.onnx import weights as onnx_weights
from keras_bert_zoo.export.onnx.conversion import lean_graph
from keras_bert_zoo.export.onnx.precision import float16, float32, int4, int8
from keras_bert_zoo.export.signature import Signature

RESULT = pathlib.Path(__file__).parent / "results" / "onnx_precision.json"
PRECISIONS: dict[str, Callable[..., Any]] = {
    "float32": float32,
    "float16": float16,
    "int8": int8,
    **{f"int4, blocks of {n}": functools.partial(int4, block_size=n) for n in (16, 32, 64, 128)},
}


def hidden_states(model: Any, weights: Any, batches: list[dict]) -> tuple[list[np.ndarray], float]:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        onnx_file.write(model, weights, path)
        session = onnxruntime.InferenceSession(path)
        size = path.stat().st_size / 1e6
        return [session.run(["last_hidden_state"], batch)[0][0] for batch in batches], size


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    return (ours * theirs).sum(axis=-1) / norms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    options = parser.parse_args()
    bundle = keras_bert_zoo.load("all-minilm-l6-v2", dtype="float32")
    texts = [tweet.text for tweet in load_tweets()["test"][: options.texts]]
    encoded = [bundle.tokenizer([text], padding=True) for text in texts]
    batches = [{k: v.numpy().astype("int64") for k, v in batch.items()} for batch in encoded]
    graph = lean_graph(bundle.model, Signature.of(bundle.model).with_input_type("int64"))
    result: dict[str, Any] = {"texts": len(texts), "onnxruntime": onnxruntime.__version__}
    reference: list[np.ndarray] = []
    for name, precision in PRECISIONS.items():
        weights = onnx_weights.of_model(bundle.model.weights)
        states, size = hidden_states(*precision(copy.deepcopy(graph), weights), batches)
        reference = reference or states
        tokens = cosines(np.concatenate(states), np.concatenate(reference))
        pooled = cosines(*(np.stack([s.mean(axis=0) for s in x]) for x in (states, reference)))
        result[name] = {
            "megabytes": round(size, 1),
            "token_mean": round(float(tokens.mean()), 4),
            "token_least": round(float(tokens.min()), 4),
            "text_mean": round(float(pooled.mean()), 4),
            "text_least": round(float(pooled.min()), 4),
        }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
