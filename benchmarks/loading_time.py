"""Seconds from a fresh process to a loaded encoder and its tokenizer, beside `transformers`.

    python benchmarks/loading_time.py [--source all-minilm-l6-v2 --repeats 5]

Each process imports a library and loads a checkpoint; they take turns, after one of each that
fills the cache of files. Stated are medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

CLOCK = "import json, sys, time\nstart = time.perf_counter()\n"
REPORT = """
end = time.perf_counter()
print(json.dumps({"import": loaded - start, "load": end - loaded, "together": end - start}))
"""
LOADERS = {
    "keras_bert_zoo": """
from keras_bert_zoo import load, load_tokenizer
loaded = time.perf_counter()
bundle = load(sys.argv[1])
assert bundle.tokenizer is not None
""",
    "transformers": """
import torch
from transformers import AutoModel, AutoTokenizer
loaded = time.perf_counter()
model = AutoModel.from_pretrained(sys.argv[1])
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
""",
}


def measure(loader: str, directory: str) -> dict[str, float]:
    """Runs a loader in a fresh process."""
    command = [sys.executable, "-c", CLOCK + LOADERS[loader] + REPORT, directory]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="all-minilm-l6-v2")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    directory = str(sources.resolve(zoo.resolve(options.source)))
    for loader in LOADERS:
        measure(loader, directory)
    runs: dict[str, list[dict[str, float]]] = {loader: [] for loader in LOADERS}
    for _ in range(options.repeats):
        for loader, results in runs.items():
            results.append(measure(loader, directory))
    for loader, results in runs.items():
        middle = {key: statistics.median(run[key] for run in results) for key in results[0]}
        print(loader, ", ".join(f"{key} {seconds:.2f} s" for key, seconds in middle.items()))


if __name__ == "__main__":
    main()
