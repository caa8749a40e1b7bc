"""Measures ``prepare``, from files to shards, beside the Rust tokenizer of ``tokenizers``.

Ours does more than the peer: it reads the files, finds documents and sentences, hashes and writes.
The peer gets its sentences ready in memory and runs ``encode_batch_fast``, parallel over all
cores, without special tokens. Both are warm: workers have started before the clock does. Rounds
alternate and medians are compared. Load is measured beside; on a busy machine the figures are
provisional, and the result says so.

    python benchmarks/corpus_speed.py --tokenizer DIR --format paragraphs corpus.txt.gz
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable

import tokenizers

from keras_bert_zoo.corpus import pool, sources
from keras_bert_zoo.corpus.documents import read_text
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.prepare import Run
from keras_bert_zoo.corpus.reading import Reader
from keras_bert_zoo.corpus.sentences import SENTENCE

RESULT = pathlib.Path(__file__).parent / "results" / "corpus_speed.json"
# Load beside our own above which figures are provisional.
QUIET = 0.3


def sentences(files: list[str], kind: str) -> list[str]:
    reader = Reader(kind)
    units = (u for group in reader.groups(sources.find(files)) for u in reader.units(group))
    texts = (read_text(part) for unit in units for part in unit.parts)
    return [s for text in texts for doc in text.documents() for s in doc.split(SENTENCE)]


def ours(run: Callable[[pathlib.Path], Run], encode: pool.Encode) -> int:
    """Tokens of one preparation."""
    with tempfile.TemporaryDirectory() as folder:
        made = run(pathlib.Path(folder))
        made.work(encode, lambda text, disk: None)
        manifest = json.loads((pathlib.Path(folder) / "shards.json").read_text("utf-8"))
    return manifest["counts"]["tokens"]


def theirs(path: pathlib.Path, lines: list[str]) -> Callable[[], int]:
    tokenizer = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode() -> int:
        return sum(
            len(encoding.ids)
            for start in range(0, len(lines), 1000)
            for encoding in tokenizer.encode_batch_fast(
                lines[start : start + 1000], add_special_tokens=False
            )
        )

    return encode


def measure(options: argparse.Namespace) -> dict:
    cores = len(os.sched_getaffinity(0))
    values = PrepareOptions(format=options.format, deduplicate=False)
    lines = sentences(options.files, options.format)
    size = sum(source.size for source in sources.find(options.files))
    with contextlib.ExitStack() as stack:
        runs: dict[str, Callable[[], int]] = {}
        for workers in sorted({1, cores}):
            named = {"tokenizer": str(options.tokenizer), **values.encoding()}
            encode = stack.enter_context(pool.encoding(workers, **named))

            def run(folder: pathlib.Path) -> Run:
                return Run(options.files, folder, options.tokenizer, values)

            runs[f"prepare_{workers}_workers"] = lambda encode=encode: ours(run, encode)
        runs["encode_batch_fast"] = theirs(options.tokenizer, lines)
        tokens = {name: function() for name, function in runs.items()}  # and all are warm
        if len(set(tokens.values())) != 1:
            raise AssertionError(f"the tokenizers disagree: {tokens}")
        load = os.getloadavg()[0]
        seconds = rounds(runs, options.rounds)
    count = tokens["encode_batch_fast"]
    text = sum(len(line.encode()) for line in lines) / 1e6
    peer = seconds["encode_batch_fast"]
    return {
        "files": [pathlib.Path(name).name for name in options.files],
        "cores": cores,
        "load_before": load,
        "disk_megabytes": round(size / 1e6, 2),
        "text_megabytes": round(text, 2),
        "tokens": count,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "mb_per_s": {name: round(text / value, 2) for name, value in seconds.items()},
        "tokens_per_s": {name: round(count / value) for name, value in seconds.items()},
        "times_encode_batch_fast": {
            name: round(peer / value, 2) for name, value in seconds.items()
        },
        "tokenizers": tokenizers.__version__,
    }


def rounds(runs: dict[str, Callable[[], int]], count: int) -> dict[str, float]:
    """Medians of elapsed seconds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(count):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--tokenizer", required=True, type=pathlib.Path)
    parser.add_argument("--format", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--result", type=pathlib.Path, default=RESULT)
    options = parser.parse_args(arguments)
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    quiet = os.getloadavg()[0] < QUIET
    result = {"provisional": not quiet, **measure(options)}
    print(json.dumps(result, indent=2))
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
