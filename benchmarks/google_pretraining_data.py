"""Measures how long it takes from a raw text to five epochs of masked pairs, on one core.

The peer is ``create_pretraining_data.py`` of google-research/bert, which is not run here: its
figure, 26,389 instances of 128 tokens in about 10 s after start-up from 1 MB of novels on one core,
was measured once before and not in the same run. Here the same is done: lines are
sentences, paragraphs are documents, the text is tokenised once, and five epochs of pairs are drawn
and masked. Start-up (imports, the tracing of graphs, reading the vocabulary) is left out.

    taskset -c 0 python benchmarks/google_pretraining_data.py austen.txt.gz
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from text_shards import read_text, shards_of

import keras_bert_zoo
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.tokenizers import WordPieceTokenizer

RESULT = pathlib.Path(__file__).parent / "results" / "google_pretraining_data.json"
PEER = {"instances": 26_389, "seconds": 10.0, "epochs": 5, "megabytes": 1.0}


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--tokenizer", default="all-minilm-l6-v2")
    parser.add_argument("--batch_size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    cores = os.sched_getaffinity(0)
    if len(cores) != 1:
        parser.error(f"run this on one core (taskset -c 0), not on {len(cores)}")
    load = os.getloadavg()[0]
    text = read_text(options.file, 1_000_000)
    tokenizer = keras_bert_zoo.load(options.tokenizer).tokenizer
    times = [one_round(text, tokenizer, options.batch_size) for _ in range(options.rounds + 1)]
    # The first round warms caches.
    seconds = {
        name: round(statistics.median(one[name] for one in times[1:]), 3) for name in times[0]
    }
    rate = PEER["instances"] / PEER["seconds"]
    result = {
        "file": options.file.name,
        "load_before": load,
        "load_after": os.getloadavg()[0],
        "tensorflow": tf.__version__,
        "seconds": seconds,
        "peer": PEER,
        "times": {
            kind: round(seconds["rows"] / seconds[kind] / rate, 1)
            for kind in ("elapsed", "processor")
        },
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(result)


def one_round(text: str, tokenizer: WordPieceTokenizer, batch_size: int) -> dict[str, float]:
    """Seconds, elapsed and of the processor, for the shards and for five epochs of batches."""
    with tempfile.TemporaryDirectory() as folder:
        watch = [_now()]
        shards = shards_of(text, tokenizer, pathlib.Path(folder), paragraphs=1)
        watch.append(_now())
        batches = PretrainingBatches(shards, BatchOptions(), batch_size=batch_size, seed=1)
        steps = 0
        while batches.position(steps)["epoch"] < PEER["epochs"]:
            steps = batches._places[-1].step
        dataset = batches.dataset().take(steps)  # traces the graph
        batches._epochs.plan.cache_clear()  # so that all plans are made in the time measured
        watch.append(_now())
        for _ in dataset:
            pass
        watch.append(_now())
    (a, b, c, d), rows = watch, steps * batch_size
    return {
        "rows": rows,
        **{f"shards_{kind}": b[kind] - a[kind] for kind in a},
        **{f"batches_{kind}": d[kind] - c[kind] for kind in a},
        **{kind: b[kind] - a[kind] + d[kind] - c[kind] for kind in a},
    }


def _now() -> dict[str, float]:
    return {"elapsed": time.perf_counter(), "processor": time.process_time()}


if __name__ == "__main__":
    main()
