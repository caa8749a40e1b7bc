"""Measures our tokenizer beside the Rust one of ``tokenizers``: both start at Python strings.

Rounds alternate between the two on the same cores, and medians are compared: of elapsed time,
and of processor time, which other work on the machine disturbs less. Ours runs in a
``tf.data`` map over batches; the reference runs ``encode_batch``, parallel over all cores, and
``encode_batch_fast``, which leaves the character offsets out as ours does.

    python benchmarks/tokenizer_speed.py --vocabulary vocab.txt --lower-case corpus.txt
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Iterable

import tensorflow as tf
import tokenizers
from tokenizers import AddedToken, BertWordPieceTokenizer

from keras_bert_zoo.tokenizers import WordPieceTokenizer

RESULT = pathlib.Path(__file__).parent / "results" / "tokenizer_speed.json"
SPECIALS = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")
BATCH = 1024


def read_lines(path: pathlib.Path, limit: int) -> list[str]:
    content = path.read_bytes()
    content = gzip.decompress(content) if path.suffix == ".gz" else content
    return content.decode("utf-8", "replace").split("\n")[:limit]


def reference(vocabulary: list[str], lower_case: bool) -> BertWordPieceTokenizer:
    ids = {token: index for index, token in enumerate(vocabulary)}
    built = BertWordPieceTokenizer(ids, lowercase=lower_case)
    built.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIALS])
    return built


def ours(tokenizer: WordPieceTokenizer, lines: list[str]) -> Callable[[], int]:
    """The pipeline is built, and its graph traced, once, as in training or serving."""
    dataset = tf.data.Dataset.from_tensors(tf.constant(lines)).rebatch(BATCH)
    dataset = dataset.map(
        lambda text: tokenizer(text)["input_ids"], num_parallel_calls=tf.data.AUTOTUNE
    )

    def run() -> int:
        tf.constant(lines)  # counted, for the reference starts at Python strings
        return sum(int(ids.row_splits[-1]) for ids in dataset)

    return run


def rounds(runs: dict[str, Callable[[], int]], count: int) -> dict[str, tuple[float, float]]:
    """Medians of elapsed seconds and of processor seconds of each run."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for _ in range(count + 1):
        for name, run in runs.items():
            start = time.perf_counter(), time.process_time()
            run()
            times[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    # The first round warms caches and traces graphs.
    return {
        name: tuple(map(statistics.median, zip(*values[1:], strict=True)))
        for name, values in times.items()
    }


def measure(
    path: pathlib.Path, vocabulary: list[str], lower_case: bool, options: argparse.Namespace
) -> dict:
    lines = read_lines(path, options.lines)
    theirs = reference(vocabulary, lower_case)
    tokenizer = WordPieceTokenizer(vocabulary, do_lower_case=lower_case)
    runs = {
        "ours": ours(tokenizer, lines),
        "encode_batch": lambda: sum(len(e.ids) for e in theirs.encode_batch(lines)),
        "encode_batch_fast": lambda: sum(
            len(e.ids) for e in theirs._tokenizer.encode_batch_fast(lines)
        ),
    }
    counts = {name: run() for name, run in runs.items()}
    if len(set(counts.values())) != 1:
        raise AssertionError(f"{path}: the tokenizers disagree: {counts}")
    seconds = rounds(runs, options.rounds)
    size = sum(len(line.encode()) for line in lines) / 1e6
    return {
        "file": path.name,
        "lower_case": lower_case,
        "lines": len(lines),
        "megabytes": round(size, 2),
        "tokens": counts["ours"],
        **{f"{name}_mb_per_s": round(size / wall, 2) for name, (wall, _) in seconds.items()},
        **{
            f"times_{name}": {
                "elapsed": round(seconds[name][0] / seconds["ours"][0], 2),
                "processor": round(seconds[name][1] / seconds["ours"][1], 2),
            }
            for name in ("encode_batch", "encode_batch_fast")
        },
    }


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--vocabulary", required=True, type=pathlib.Path)
    parser.add_argument("--lower-case", action="store_true")
    parser.add_argument("--lines", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    options = parser.parse_args(arguments)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    vocabulary = options.vocabulary.read_text(encoding="utf-8").rstrip("\n").split("\n")
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "tensorflow": tf.__version__,
        "tokenizers": tokenizers.__version__,
        "vocabulary": len(vocabulary),
        "files": [measure(path, vocabulary, options.lower_case, options) for path in options.files],
    }
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
