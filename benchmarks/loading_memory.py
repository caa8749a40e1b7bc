"""Peak memory and time of loading a checkpoint, beside `transformers` (torch).

    python benchmarks/loading_memory.py [--hidden-size 768 --layers 12 --vocabulary 30522]

Writes a random checkpoint, then loads it in fresh processes, one loader at a time. Each process
first loads and runs a tiny checkpoint, so that the framework is there; counted is the growth of
the resident set from there to its peak, divided by the size of the weights. The model is run once
too: `transformers` maps the file and pays for a weight at its first use. Linux only: the peak is
reset through /proc/self/clear_refs.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import safetensors.numpy

from keras_bert_zoo.checkpoints.tables import BERT
from keras_bert_zoo.config import EncoderConfig

LOADERS = ("keras_bert_zoo", "transformers")


def write_checkpoint(config: EncoderConfig, directory: pathlib.Path) -> int:
    """Writes random weights; returns their size in bytes."""
    hidden, wide = config.hidden_size, config.intermediate_size
    rows = {
        "word_embeddings": config.vocab_size,
        "position_embeddings": config.max_position_embeddings,
        "token_type_embeddings": config.type_vocab_size,
    }
    generator = np.random.default_rng(0)
    arrays = {}
    for row in BERT.rows(config, pooler=True, task=None):
        name = row.tensor
        shape: tuple[int, ...] = (hidden, hidden) if row.transposed else (hidden,)
        if name.startswith("embeddings") and "LayerNorm" not in name:
            shape = (rows[name.split(".")[1]], hidden)
        elif "intermediate" in name:
            shape = (wide, hidden) if row.transposed else (wide,)
        elif "attention" not in name and "output.dense.weight" in name:
            shape = (hidden, wide)
        arrays[name] = generator.standard_normal(shape, "float32")
    directory.mkdir()
    values = {**config.to_dict(), "architectures": ["BertModel"]}
    (directory / "config.json").write_text(json.dumps(values))
    safetensors.numpy.save_file(arrays, directory / "model.safetensors", {"format": "pt"})
    return sum(array.nbytes for array in arrays.values())


def status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    text = pathlib.Path("/proc/self/status").read_text()
    found = re.search(rf"^{key}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, key
    return int(found[1]) * 1024


def run_ours(directory: str) -> object:
    """Loads and runs with this package."""
    from keras_bert_zoo.bundle import load

    model = load(directory).model
    model({name: np.ones((1, 8), "int32") for name in model.input})
    return model


def run_transformers(directory: str) -> object:
    """Loads and runs with `transformers`."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(directory)
    with torch.no_grad():
        model(torch.ones((1, 8), dtype=torch.long))
    return model


def measure(loader: str, tiny: str, directory: str) -> dict[str, float]:
    """Loads in this process."""
    load_and_run = {"transformers": run_transformers, "keras_bert_zoo": run_ours}[loader]
    load_and_run(tiny)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before, start = status("VmRSS"), time.perf_counter()
    model = load_and_run(directory)
    seconds = time.perf_counter() - start
    sizes = {"peak": status("VmHWM") - before, "kept": status("VmRSS") - before}
    del model  # until here it had to stay
    return {**sizes, "seconds": seconds}


def configs(options: argparse.Namespace) -> tuple[EncoderConfig, EncoderConfig]:
    """A tiny encoder, which loads what is loaded once, and the one that is asked for."""
    sizes = {"type_vocab_size": 2, "max_position_embeddings": 512}
    tiny = EncoderConfig(
        vocab_size=100, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, **sizes,
    )  # fmt: skip
    config = EncoderConfig(
        vocab_size=options.vocabulary, hidden_size=options.hidden_size,
        num_hidden_layers=options.layers, num_attention_heads=options.hidden_size // 64,
        intermediate_size=4 * options.hidden_size, **sizes,
    )  # fmt: skip
    return tiny, config


def compare(options: argparse.Namespace) -> None:
    """Runs every loader in fresh processes, by turns, and prints medians."""
    tiny, config = configs(options)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write_checkpoint(tiny, root / "tiny")
        weights = write_checkpoint(config, root / "model")
        print(f"weights: {weights / 2**20:.0f} MiB")
        runs: dict[str, list[dict[str, float]]] = {loader: [] for loader in options.loaders}
        for _ in range(options.repeats):
            for loader in options.loaders:
                command = [sys.executable, __file__, "--measure", loader, root / "tiny"]
                output = subprocess.run(
                    [*map(str, command), str(root / "model")], capture_output=True, check=True
                ).stdout
                runs[loader].append(json.loads(output.splitlines()[-1]))
    for loader, results in runs.items():
        middle = {key: statistics.median(r[key] for r in results) for key in results[0]}
        print(
            f"{loader:16} peak {middle['peak'] / weights:.2f}x the weights, "
            f"kept {middle['kept'] / weights:.2f}x, {middle['seconds']:.2f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden-size", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", type=int, default=30_522)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--loaders", nargs="+", choices=LOADERS, default=LOADERS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
    else:
        compare(options)


if __name__ == "__main__":
    main()
