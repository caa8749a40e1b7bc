"""Measures our masking beside Hugging Face's collators, and the whole pipeline beside a step.

Rounds alternate between ours and the collators on the same rows, and medians are compared: of
elapsed time, and of processor time, which other work on the machine disturbs less. Rows are whole
sentences of a text; a collator gets them as lists of ids, which is what a data set yields.
Then batches are drawn from shards of the same text, planning and reading included.

    python benchmarks/masking_speed.py --tokenizer all-minilm-l6-v2 austen.txt.gz
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
import transformers
from text_shards import read_text, shards_of

import keras_bert_zoo
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.masking import mask_tokens
from keras_bert_zoo.data.pretraining.options import MASKINGS, BatchOptions, MaskingOptions

RESULT = pathlib.Path(__file__).parent / "results" / "masking_speed.json"
# Of DataCollatorForLanguageModeling: its arguments, and what examples hold besides the ids.
COLLATORS: dict[str, dict[str, tuple[dict, tuple[str, ...]]]] = {
    "token": {
        "collator": ({}, ()),
        "collator_given_specials": ({}, ("special_tokens_mask",)),
    },
    "whole_word": {
        "collator": (
            {"whole_word_mask": True, "mask_replace_prob": 1.0, "random_replace_prob": 0.0},
            ("special_tokens_mask", "offset_mapping"),
        )
    },
}
PIPELINES: dict[str, dict[str, Any]] = {
    "next": {},
    "order, ngram": {"sentences": "order", "masking": "ngram"},
    "full sentences, whole_word": {"sentences": "none", "masking": "whole_word"},
    "full sentences, span": {"sentences": "none", "masking": "span"},
    "packed": {"sentences": "none", "packed": True},
}


def rounds(
    runs: dict[str, Callable[[], Any]], count: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Medians of elapsed and of processor seconds of one call of each; they take turns."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(count):
        for name, run in runs.items():
            run()  # the first call traces graphs, each later one warms caches
            start, calls = (time.perf_counter(), time.process_time()), 0
            while time.perf_counter() - start[0] < seconds:
                run()
                calls += 1
            now = time.perf_counter(), time.process_time()
            times[name].append(tuple((b - a) / calls for a, b in zip(start, now, strict=True)))
    return {
        name: dict(
            zip(("elapsed", "processor"), map(statistics.median, zip(*t, strict=True)), strict=True)
        )
        for name, t in times.items()
    }


def masking(rows: np.ndarray, tokenizer: Any, options: argparse.Namespace) -> list[dict]:
    """One batch masked again and again."""
    results = []
    pieces = np.array([token.startswith("##") for token in tokenizer.vocabulary])
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        theirs = transformers.AutoTokenizer.from_pretrained(folder)
    same = tf.data.Dataset.from_tensors((rows, tf.range(len(rows)))).repeat()
    for name in MASKINGS:
        # As it is used: in a map of tf.data.
        ours = same.map(graph(tokenizer, pieces, name))
        runs: dict[str, Callable[[], Any]] = {"ours": functools.partial(next, iter(ours))}
        for side, (values, fields) in COLLATORS.get(name, {}).items():
            collator = transformers.DataCollatorForLanguageModeling(theirs, **values)
            runs[side] = functools.partial(collate, collator, examples(rows, pieces, fields))
        medians = rounds(runs, options.rounds, options.seconds)
        result: dict[str, Any] = {"masking": name, "batch": list(rows.shape)}
        for side, median in medians.items():
            result[f"{side}_tokens_per_s"] = round(rows.size / median["elapsed"])
            result[f"{side}_tokens_per_processor_s"] = round(rows.size / median["processor"])
            result[f"times_{side}"] = {
                kind: round(value / medians["ours"][kind], 1) for kind, value in median.items()
            }
        results.append(result)
        print(result)
    return results


def examples(rows: np.ndarray, pieces: np.ndarray, fields: tuple[str, ...]) -> list[dict]:
    """Rows as a data set yields them: lists. Words are told by gaps between their characters."""
    special = rows < 200  # in this vocabulary: special and unused ones
    starts = np.cumsum(np.where(pieces[rows], 1, 2), axis=1)
    columns = {
        "input_ids": rows,
        "special_tokens_mask": special.astype(int),
        "offset_mapping": np.stack([starts, starts + 1], axis=-1),
    }
    return [
        {name: columns[name][row].tolist() for name in ("input_ids", *fields)}
        for row in range(len(rows))
    ]


def collate(collator: Any, rows: list[dict]) -> Any:
    """A collator takes offsets out of the examples that it is given."""
    return collator([dict(row) for row in rows])


def graph(tokenizer: Any, pieces: np.ndarray, name: str) -> Callable[..., Any]:
    """Our masking as a graph, with the look-ups that a batch needs."""

    def step(ids: tf.Tensor, seeds: tf.Tensor) -> Any:
        special = (ids == tokenizer.cls_token_id) | (ids == tokenizer.sep_token_id) | (ids == 0)
        return mask_tokens(
            ids,
            special,
            seeds,
            mask_token_id=tokenizer.mask_token_id,
            vocab_size=tokenizer.vocab_size,
            word_continues=tf.gather(pieces, ids),
            options=MaskingOptions(masking=name),
        )

    return step


def pipeline(shards: Any, batch_size: int, options: argparse.Namespace) -> list[dict]:
    """Batches from shards: plans, rows and masks."""
    results = []
    for name, values in PIPELINES.items():
        batches = PretrainingBatches(shards, BatchOptions(**values), batch_size=batch_size, seed=1)
        batch = iter(batches.dataset())
        median = rounds({name: functools.partial(next, batch)}, options.rounds, options.seconds)[
            name
        ]
        size = batch_size * 128
        result = {
            "rows": name,
            "batch": [batch_size, 128],
            "tokens_per_s": round(size / median["elapsed"]),
            "tokens_per_processor_s": round(size / median["processor"]),
            "efficiency": round(batches.efficiency, 4),
        }
        results.append(result)
        print(result)
    return results


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--tokenizer", default="all-minilm-l6-v2")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args(arguments)
    load, sizes = os.getloadavg()[0], options.batch_sizes
    tokenizer = keras_bert_zoo.load(options.tokenizer).tokenizer
    with tempfile.TemporaryDirectory() as folder:
        shards = shards_of(read_text(options.file), tokenizer, pathlib.Path(folder))
        plain = BatchOptions(sentences="none")
        batches = PretrainingBatches(shards, plain, batch_size=max(sizes), seed=1)
        layout, planned = batches._layout, batches._epochs.plan(0, 0)
        rows = layout.arrays(planned.block, planned.rows, planned.order[: max(sizes)])["input_ids"]
        result = {
            "cores": os.cpu_count(),
            "load_before": load,
            "tensorflow": tf.__version__,
            "transformers": transformers.__version__,
            "file": options.file.name,
            "masking": [r for n in sizes for r in masking(rows[:n], tokenizer, options)],
            "pipeline": [r for n in sizes for r in pipeline(shards, n, options)],
            "load_after": os.getloadavg()[0],
        }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
