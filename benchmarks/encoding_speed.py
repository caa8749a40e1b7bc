"""Sentences a second of embedding with all-MiniLM-L6-v2: ours beside sentence-transformers.

    python benchmarks/encoding_speed.py --data data [--rounds 5] [--sentences 1024]

A turn embeds the same sentences: of film reviews (SST-2) and of captions (SICK), Python strings
in, arrays out. ``keras`` is ``encode``; ``tflite-int8`` and ``onnx-int8`` are artifacts of the
embedder, asked by ``export.predictor``; ``sentence_transformers`` is its ``encode``: torch in
float32, with its own batch size and sorting. ``-bfloat16`` is the same with weights of that type,
for processors with instructions for it. Each lives in a process of its own, the peer in its
environment (``--peer``), and they take turns. How near the vectors are to the peer's is stated.
Medians go to ``results/encoding_speed.json``.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
import turns

RESULT = pathlib.Path(__file__).parent / "results" / "encoding_speed.json"
PEER = "sentence_transformers"
ARTIFACTS = ("tflite-int8", "onnx-int8")
HALF = "bfloat16"
Encode = Callable[[Sequence[str]], np.ndarray]


def sentences(data: pathlib.Path, count: int) -> list[str]:
    """Half of both kinds."""
    columns = {"sst2/dev.tsv": "sentence", "sick/test.tsv": "sentence_A"}
    found: list[str] = []
    for file, column in columns.items():
        with (data / file).open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            found += [row[column] for row, _ in zip(rows, range(count // 2), strict=False)]
    return found


def keras(start: str, artifacts: pathlib.Path, dtype: str = "float32") -> Encode:
    import keras_bert_zoo
    from keras_bert_zoo.evaluation.embeddings import encode

    bundle = keras_bert_zoo.load(start, task="sentence_embedding", dtype=dtype)
    return lambda texts: encode(bundle.model, bundle.tokenizer, texts)


def artifact(name: str) -> Callable[[str, pathlib.Path], Encode]:
    def opened(start: str, artifacts: pathlib.Path) -> Encode:
        from keras_bert_zoo.export import predictor

        ask = predictor(artifacts / name)
        return lambda texts: np.array([answer["embedding"] for answer in ask(texts)])

    return opened


def sentence_transformers(start: str, artifacts: pathlib.Path, dtype: str = "float32") -> Encode:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(start, device="cpu", model_kwargs={"dtype": dtype})
    return lambda texts: model.encode(texts).astype("float32")


WORK: dict[str, Callable[[str, pathlib.Path], Encode]] = {
    "keras": keras,
    f"keras-{HALF}": functools.partial(keras, dtype=HALF),
    **{name: artifact(name) for name in ARTIFACTS},
    PEER: sentence_transformers,
    f"{PEER}-{HALF}": functools.partial(sentence_transformers, dtype=HALF),
}


def turn(name: str, start: str, folder: pathlib.Path, texts: list[str]) -> Callable[[], None]:
    """Embeds the texts, and keeps the vectors."""
    encode = WORK[name](start, folder)
    return lambda: np.save(folder / f"{name}.npy", encode(texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, default="data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=1024)
    parser.add_argument("--peer", default=".venv-peers/bin/python")
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    texts = sentences(options.data, options.sentences)
    if options.work:
        name, start, folder = options.work
        turns.serve(lambda: turn(name, start, pathlib.Path(folder), texts))
    result = {"cores": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        taken, least = measure(options, pathlib.Path(folder))
    result |= {
        "load_after": os.getloadavg()[0],
        "rounds": options.rounds,
        "sentences": len(texts),
        "least_cosine_to_peer": least,
        **turns.summary(taken, len(texts), PEER),
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(options: argparse.Namespace, folder: pathlib.Path) -> tuple[dict, dict]:
    """Turns of each, and the least cosine of its vectors to the peer's."""
    import keras_bert_zoo
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources
    from keras_bert_zoo.evaluation.embeddings import cosines
    from keras_bert_zoo.export import export

    start = str(sources.resolve(zoo.resolve("all-minilm-l6-v2")))
    export(keras_bert_zoo.load(start, task="sentence_embedding"), folder, ARTIFACTS)
    same = [__file__, f"--data={options.data}", f"--sentences={options.sentences}"]
    pythons = {name: options.peer if PEER in name else sys.executable for name in WORK}
    commands = {name: [pythons[name], *same, "--work", name, start, str(folder)] for name in WORK}
    logs = folder / "logs"
    logs.mkdir()
    taken = turns.take_turns(commands, options.rounds, logs)
    vectors = {name: np.load(folder / f"{name}.npy") for name in WORK}
    least = {name: float(cosines(each, vectors[PEER]).min()) for name, each in vectors.items()}
    return taken, {name: round(value, 5) for name, value in least.items()}


if __name__ == "__main__":
    main()
