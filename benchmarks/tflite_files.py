"""Measures TFLite files of a BERT-base: size, operators and latency, beside keras-hub's.

All files run in one process and take turns in random order; medians and minima are of batch 1,
128 tokens. The weights are random, which costs what trained ones cost. The same recipes are
then judged on real weights: the cosine of MiniLM's hidden states to Keras', over the tokens of
real tweets.

    python benchmarks/tflite_files.py                # all of it
    python benchmarks/tflite_files.py --layers 2     # a quick look
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras_hub
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

import keras_bert_zoo
from keras_bert_zoo import BertEncoder, EncoderConfig
from keras_bert_zoo.bundle import Bundle
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.representative import OPTION
from keras_bert_zoo.export.tflite import model as tflite_model
from keras_bert_zoo.export.tflite import writer as tflite

RESULT = pathlib.Path(__file__).parent / "results" / "tflite_files.json"
LENGTH, SHORT, SEVERAL = 128, 20, (32, 64, 128, 256)
TEXTS = 100  # that give scales of activations
FILES = [name for name, row in FORMATS.items() if row.runtime == "tflite"]
UNTIMED = ("tflite-static-int16x8",)  # seconds a text: all others would wait for it
PEER = "keras-hub"


def tweets(part: str, count: int) -> Examples:
    return Examples([tweet.text for tweet in load_tweets()[part][:count]])


def given(name: str) -> dict[str, Any]:
    """What a format wants beside the bundle: those with fixed scales take texts."""
    return {OPTION: tweets("train", TEXTS)} if OPTION in FORMATS[name].options else {}


def base_model(layers: int) -> Bundle:
    """BERT-base with random weights, biases and scales among them, as training leaves them."""
    config = EncoderConfig(
        vocab_size=30_522, hidden_size=768, num_hidden_layers=layers, num_attention_heads=12,
        intermediate_size=3072, max_position_embeddings=512,
    )  # fmt: skip
    model, generator = BertEncoder(config), np.random.default_rng(0)
    for weight in model.weights:
        centre = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(centre + 0.02 * generator.standard_normal(weight.shape, "float32"))
    return Bundle(model, keras_bert_zoo.load("all-minilm-l6-v2").tokenizer, config)


def our_files(bundle: Bundle, directory: pathlib.Path) -> dict[str, pathlib.Path]:
    """Every recipe at a fixed length, int8 also open and at several lengths."""
    wanted: dict[str, dict[str, Any]] = {
        name: {"lengths": [LENGTH], **given(name)} for name in FILES
    }
    wanted |= {"tflite-int8 open": {}, "tflite-int8 several": {"lengths": SEVERAL}}
    paths = {}
    for name, options in wanted.items():
        paths[name] = directory / f"{name.replace(' ', '-')}.tflite"
        row = FORMATS[name.split()[0]]
        row.export(bundle, paths[name], **row.arguments, **options)
        print(f"{name}: {paths[name].stat().st_size / 1e6:.1f} MB", flush=True)
    return paths


def peer_files(layers: int, directory: pathlib.Path) -> dict[str, pathlib.Path]:
    """keras-hub's backbone in float32 and dynamic int8, by two roads.

    One is Keras' own export; the other, ``fixed``, is the best that TensorFlow's converter
    makes of the backbone, traced by hand at a fixed length.
    """
    backbone = keras_hub.models.BertBackbone(30_522, layers, 12, 768, 3072, max_sequence_length=512)
    paths = {}
    for kind, optimizations in {"": [], " int8": [tf.lite.Optimize.DEFAULT]}.items():
        name = f"{PEER}{kind}"
        paths[name] = directory / f"peer{kind.strip()}.tflite"
        backbone.export(
            str(paths[name]), format="litert", verbose=False, optimizations=optimizations
        )
        paths[f"{name} fixed"] = directory / f"fixed{kind.strip()}.tflite"
        paths[f"{name} fixed"].write_bytes(_converted(backbone, directory, optimizations))
        print(f"{name}: {paths[name].stat().st_size / 1e6:.1f} MB", flush=True)
    return paths


def _converted(backbone: Any, directory: pathlib.Path, optimizations: list[Any]) -> bytes:
    names = ("token_ids", "padding_mask", "segment_ids")
    specs = {name: tf.TensorSpec((1, LENGTH), tf.int32, name=name) for name in names}
    module = tf.Module()
    module.values = [weight.value for weight in backbone.weights]
    function = tf.function(lambda **inputs: backbone(inputs, training=False), autograph=False)
    saved = str(directory / "peer")
    tf.saved_model.save(module, saved, {"ids": function.get_concrete_function(**specs)})
    converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=["ids"])
    converter.optimizations = optimizations
    return converter.convert()


def caller(path: pathlib.Path, tokens: int, width: int, threads: int) -> Callable[[], None]:
    """Opens a file and returns a function that runs it on one text."""
    interpreter = Interpreter(str(path), num_threads=threads)
    signatures = interpreter.get_signature_list()
    name = f"ids_{width}" if f"ids_{width}" in signatures else next(iter(signatures))
    run = interpreter.get_signature_runner(name)
    ids = np.random.default_rng(0).integers(1000, 30_000, (1, width), "int32")
    mask = (np.arange(width) < tokens).astype("int32")[None]
    values = {"ids": ids, "mask": mask, "zeros": 0 * ids}
    kinds = {
        "attention_mask": "mask",
        "padding_mask": "mask",
        "input_ids": "ids",
        "token_ids": "ids",
    }
    inputs = {key: values[kinds.get(key, "zeros")] for key in signatures[name]["inputs"]}
    return lambda: run(**inputs)


def latencies(calls: dict[str, Callable[[], None]], rounds: int) -> dict[str, dict[str, float]]:
    """Median and minimum in milliseconds, the calls taking turns in random order."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):  # two rounds warm up
        for name in random.sample(list(calls), len(calls)):
            start = time.perf_counter()
            calls[name]()
            if number >= 2:
                seconds[name].append(1e3 * (time.perf_counter() - start))
    return {n: {"median": statistics.median(s), "minimum": min(s)} for n, s in seconds.items()}


def cosines(sentences: Iterable[str]) -> dict[str, dict[str, float]]:
    """Cosine of MiniLM's hidden states to Keras', over the tokens of all sentences."""
    bundle = keras_bert_zoo.load("all-minilm-l6-v2")
    batches = [
        {name: x.numpy() for name, x in bundle.tokenizer([text], padding=True).items()}
        for text in sentences
    ]
    expected = [np.array(bundle.model(batch)["last_hidden_state"][0]) for batch in batches]
    result = {}
    with tempfile.TemporaryDirectory() as directory:
        for name in FILES:
            path = pathlib.Path(directory) / "model.tflite"
            FORMATS[name].export(bundle, path, **FORMATS[name].arguments, **given(name))
            run = Interpreter(str(path)).get_signature_runner("ids")
            values = np.concatenate(
                [
                    cosine(run(**batch)["last_hidden_state"][0], theirs)
                    for batch, theirs in zip(batches, expected, strict=True)
                ]
            )
            megabytes = path.stat().st_size / 1e6
            result[name] = {
                "MB": megabytes,
                "mean": float(values.mean()),
                "minimum": float(values.min()),
            }
            print(name, result[name], flush=True)
    return result


def cosine(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    return (ours * theirs).sum(axis=-1) / norms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--sentences", type=int, default=50)
    options = parser.parse_args()
    result: dict[str, Any] = {"layers": options.layers, "rounds": options.rounds}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        paths = our_files(base_model(options.layers), directory)
        tflite.converted.cache_clear()
        paths |= peer_files(options.layers, directory)
        result["files"] = {
            name: {
                "MB": path.stat().st_size / 1e6,
                "operators": sum(tflite_model.operators(path.read_bytes()).values()),
            }
            for name, path in paths.items()
        }
        for threads in (2, 1):
            calls = {
                name: caller(path, LENGTH - 8, LENGTH, threads)
                for name, path in paths.items()
                if name not in UNTIMED
            }
            several = paths["tflite-int8 several"]
            calls["int8 several, 20 tokens at 32"] = caller(several, SHORT, 32, threads)
            calls["int8 several, 20 tokens at 128"] = caller(several, SHORT, LENGTH, threads)
            measured = latencies(calls, options.rounds)
            result[f"milliseconds, {threads} threads"] = measured
            for label, times in measured.items():
                print(threads, label, {k: round(v, 1) for k, v in times.items()}, flush=True)
    sentences = tweets("test", options.sentences).texts
    result["MiniLM, cosine of hidden states"] = cosines(sentences)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
