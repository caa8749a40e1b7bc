"""ONNX latency of BERT-base, batch 1 and 128 tokens: ours, keras_hub's export and torch's.

    python benchmarks/onnx_latency.py [--rounds 50] [--threads 2] [--without keras_hub]

Our model and torch's hold the same random weights. Float32 as exported; int8 is ours, and of the
peers onnxruntime's `quantize_dynamic`, one scale for each output. All sessions share one pool of
threads, because pools of their own disturb each other, and run in a new random order each round.
Medians go to ``results/onnx_latency.json``. Needs torch and transformers for the peer `torch`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

RESULT = pathlib.Path(__file__).parent / "results" / "onnx_latency.json"
NAMES = {
    "token_ids": "input_ids",
    "padding_mask": "attention_mask",
    "segment_ids": "token_type_ids",
}


def make_ours(folder: pathlib.Path, layers: int) -> None:
    """Exports the checkpoint that torch wrote, in both precisions."""
    import keras_bert_zoo
    from keras_bert_zoo.export.onnx import writer as onnx

    bundle = keras_bert_zoo.load(folder / "checkpoint", dtype="float32")
    for precision in ("float32", "int8"):
        onnx.export(bundle, folder / f"ours-{precision}.onnx", precision=precision)
    onnx.export(bundle, folder / "ours-fused.onnx", fused=True)


def make_torch(folder: pathlib.Path, layers: int) -> None:
    """Writes a random checkpoint and torch's own export of it."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(num_hidden_layers=layers, attn_implementation="eager")
    model = transformers.BertModel(config).eval()
    model.save_pretrained(folder / "checkpoint")
    names = list(NAMES.values())

    class Positional(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
            outputs = self.model(**dict(zip(names, values, strict=True)))
            return outputs.last_hidden_state, outputs.pooler_output

    torch.onnx.export(
        Positional(),
        (torch.ones((1, 8), dtype=torch.long),) * len(names),
        str(folder / "torch-float32.onnx"),
        input_names=names,
        output_names=["last_hidden_state", "pooler_output"],
        dynamic_axes={name: {0: "batch", 1: "sequence"} for name in names},
        opset_version=17,
        dynamo=False,
    )
    quantize(folder, "torch")


def make_keras_hub(folder: pathlib.Path, layers: int) -> None:
    import keras_hub

    model = keras_hub.models.BertBackbone(
        vocabulary_size=30_522,
        num_layers=layers,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
    )
    model({name: np.ones((1, 8), "int32") for name in NAMES})
    model.export(str(folder / "keras_hub-float32.onnx"), format="onnx", verbose=False)
    quantize(folder, "keras_hub")


def quantize(folder: pathlib.Path, name: str) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    source, target = (folder / f"{name}-{kind}.onnx" for kind in ("float32", "int8"))
    quantize_dynamic(source, target, per_channel=True, weight_type=QuantType.QInt8)


def open_all(folder: pathlib.Path, threads: int) -> dict:
    import onnxruntime

    onnxruntime.set_global_thread_pool_sizes(threads, 1)
    options = onnxruntime.SessionOptions()
    options.use_per_session_threads = False
    return {
        path.stem: onnxruntime.InferenceSession(path, options)
        for path in sorted(folder.glob("*.onnx"))
    }


def inputs_of(session: object, length: int) -> dict[str, np.ndarray]:
    """One row of random words, under the names and types the file has."""
    ids = np.random.default_rng(0).integers(1000, 30_000, (1, length))
    values = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    given = {}
    for entry in session.get_inputs():  # type: ignore[attr-defined]
        value = values.get(NAMES.get(entry.name, entry.name), np.zeros_like(ids))
        given[entry.name] = value.astype(entry.type.removeprefix("tensor(").rstrip(")"))
    return given


def compare(sessions: dict, rounds: int, length: int) -> dict[str, list[float]]:
    inputs = {name: inputs_of(session, length) for name, session in sessions.items()}
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for number in range(rounds + 3):
        for name in random.Random(number).sample(list(sessions), len(sessions)):
            start = time.perf_counter()
            sessions[name].run(None, inputs[name])
            times[name].append(time.perf_counter() - start)
    return {name: values[3:] for name, values in times.items()}  # the first warm up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--without", nargs="*", choices=["keras_hub"], default=[])
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        name, folder = options.make
        globals()[f"make_{name}"](pathlib.Path(folder), options.layers)
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        # torch first: it writes the checkpoint that ours reads.
        for name in ("torch", "ours", "keras_hub"):
            if name not in options.without:
                command = [sys.executable, __file__, "--make", name, folder]
                command += ["--layers", str(options.layers)]
                subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        sessions = open_all(pathlib.Path(folder), options.threads)
        times = compare(sessions, options.rounds, options.length)
        sizes = {
            path.stem: path.stat().st_size / 1e6 for path in pathlib.Path(folder).glob("*.onnx")
        }
    result = {
        "threads": options.threads,
        "length": options.length,
        "layers": options.layers,
        "rounds": options.rounds,
        "load_after": os.getloadavg()[0],
        **{
            name: {
                "megabytes": round(sizes[name], 1),
                "median_ms": round(statistics.median(values) * 1e3, 1),
                "least_ms": round(min(values) * 1e3, 1),
            }
            for name, values in times.items()
        },
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
