"""Sentences a second of embedding with all-MiniLM-L6-v2: ours beside sentence-transformers.

    python benchmarks/encoding_speed.py --data data [--rounds 5] [--sentences 1024]

A turn embeds the same sentences, Python strings in, arrays out. ``different`` ones are of film
reviews (SST-2) and of captions (SICK), none twice; ``pairs`` are both sentences of SICK's test
pairs as they stand in the file, as an evaluation embeds them: there are fewer captions than pairs.
``keras`` is ``encode``; ``tflite-int8`` and ``onnx-int8`` are artifacts of the embedder, asked by
``export.predictor``; ``sentence_transformers`` is its ``encode``: torch in float32, with its own
batch size and sorting. ``-bfloat16`` is the same with weights of that type, for processors with
instructions for it. Each lives in a process of its own, the peer in its environment (``--peer``),
and they take turns. How near the vectors are to the peer's is stated. Medians go to
``results/encoding_speed.json``.
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
from typing import Any

import numpy as np
import turns

RESULT = pathlib.Path(__file__).parent / "results" / "encoding_speed.json"
PEER = "sentence_transformers"
ARTIFACTS = ("tflite-int8", "onnx-int8")
HALF = "bfloat16"
Encode = Callable[[Sequence[str]], np.ndarray]


def column(file: pathlib.Path, *names: str) -> list[str]:
    """The texts of some columns, row by row."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row[name] for row in rows for name in names]


def different(data: pathlib.Path, count: int) -> list[str]:
    """Half of both kinds, none twice."""
    kinds = [
        column(data / "sst2/dev.tsv", "sentence"),
        column(data / "sick/test.tsv", "sentence_A", "sentence_B"),
    ]
    return [text for kind in kinds for text in list(dict.fromkeys(kind))[: count // 2]]


def pairs(data: pathlib.Path, count: int) -> list[str]:
    """The first pairs of the file."""
    return column(data / "sick/test.tsv", "sentence_A", "sentence_B")[:count]


SENTENCES = {"different": different, "pairs": pairs}


def keras(start: str, artifacts: pathlib.Path, dtype: str = "float32") -> Encode:
    import keras_bert_zoo
    from keras_bert_zoo.evaluation.embeddings import encode

    bundle = keras_bert_zoo.load(start, task="sentence_embedding", dtype=dtype)
    return lambda texts: encode(bundle.model, bundle.tokenizer, texts)


def artifact(name: str) -> Callable[[str, pathlib.Path], Encode]:
    def opened(start: str, artifacts: pathlib.Path) -> Encode:
        from keras_bert_zoo.export import predictor

        ask = predictor(artifacts / name)
        return ask.encode

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
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        kind, name, start, folder = options.work
        texts = SENTENCES[kind](options.data, options.sentences)
        turns.serve(lambda: turn(name, start, pathlib.Path(folder), texts))
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "rounds": options.rounds,
        **{kind: measure(kind, options) for kind in SENTENCES},
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(kind: str, options: argparse.Namespace) -> dict[str, Any]:
    """Speeds of each with sentences of one kind, and how near its vectors are to the peer's."""
    import keras_bert_zoo
    from keras_bert_zoo import zoo
    from keras_bert_zoo.checkpoints import sources
    from keras_bert_zoo.evaluation.embeddings import cosines
    from keras_bert_zoo.export import export

    start = str(sources.resolve(zoo.resolve("all-minilm-l6-v2")))
    texts = SENTENCES[kind](options.data, options.sentences)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        export(keras_bert_zoo.load(start, task="sentence_embedding"), folder, ARTIFACTS)
        pythons = {name: options.peer if PEER in name else sys.executable for name in WORK}
        same = [__file__, f"--data={options.data}", f"--sentences={options.sentences}", "--work"]
        commands = {name: [pythons[name], *same, kind, name, start, str(folder)] for name in WORK}
        logs = folder / "logs"
        logs.mkdir()
        load = os.getloadavg()[0]
        taken = turns.take_turns(commands, options.rounds, logs)
        vectors = {name: np.load(folder / f"{name}.npy") for name in WORK}
    least = {name: float(cosines(each, vectors[PEER]).min()) for name, each in vectors.items()}
    return {
        "load_before": load,
        "load_after": os.getloadavg()[0],
        "sentences": len(texts),
        "different": len(set(texts)),
        "least_cosine_to_peer": {name: round(value, 5) for name, value in least.items()},
        **turns.summary(taken, len(texts), PEER),
    }


if __name__ == "__main__":
    main()
