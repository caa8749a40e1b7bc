"""Time and size of an ONNX export of BERT-base, beside Keras' own export of keras_hub's BERT.

    python benchmarks/onnx_export.py [--repeats 3] [--peer]

Weights are random. Every export runs in a fresh process; counted is the time from a built model
to a checked file on disk. The peer takes minutes. Medians go to ``results/onnx_export.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

RESULT = pathlib.Path(__file__).parent / "results" / "onnx_export.json"
SIZES = {"vocab_size": 30_522, "hidden": 768, "layers": 12, "heads": 12, "wide": 3072}


def export_ours(path: pathlib.Path, layers: int) -> float:
    import types

    from keras_bert_zoo.config import EncoderConfig
    from keras_bert_zoo.export.onnx import writer as onnx
    from keras_bert_zoo.models import BertEncoder

    config = EncoderConfig(
        vocab_size=SIZES["vocab_size"],
        hidden_size=SIZES["hidden"],
        num_hidden_layers=layers,
        num_attention_heads=SIZES["heads"],
        intermediate_size=SIZES["wide"],
        max_position_embeddings=512,
    )
    bundle = types.SimpleNamespace(model=BertEncoder(config), config=config)
    start = time.perf_counter()
    onnx.export(bundle, path)
    return time.perf_counter() - start


def export_peer(path: pathlib.Path, layers: int) -> float:
    import keras_hub
    import numpy as np

    model = keras_hub.models.BertBackbone(
        vocabulary_size=SIZES["vocab_size"],
        num_layers=layers,
        num_heads=SIZES["heads"],
        hidden_dim=SIZES["hidden"],
        intermediate_dim=SIZES["wide"],
    )
    # Keras exports no model that was never called.
    model({name: np.ones((1, 8), "int32") for name in ("token_ids", "padding_mask", "segment_ids")})
    start = time.perf_counter()
    model.export(str(path), format="onnx", verbose=False)
    return time.perf_counter() - start


EXPORTS = {"keras_bert_zoo": export_ours, "keras_hub": export_peer}


def measure(name: str, layers: int) -> dict[str, float]:
    """One export in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        seconds = EXPORTS[name](path, layers)
        return {"seconds": round(seconds, 2), "megabytes": round(path.stat().st_size / 1e6, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--layers", type=int, default=SIZES["layers"])
    parser.add_argument("--peer", action="store_true", help="run Keras' export too")
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--measure", choices=EXPORTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.layers)))
        return
    names = list(EXPORTS) if options.peer else ["keras_bert_zoo"]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for _ in range(options.repeats):
        for name in names:
            command = [sys.executable, __file__, "--measure", name, "--layers", options.layers]
            output = subprocess.run(
                list(map(str, command)), env=environment, capture_output=True, check=True
            ).stdout
            runs[name].append(json.loads(output.splitlines()[-1]))
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "load_after": os.getloadavg()[0],
        "layers": options.layers,
        "repeats": options.repeats,
        **{
            name: {key: statistics.median(run[key] for run in found) for key in found[0]}
            for name, found in runs.items()
        },
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
