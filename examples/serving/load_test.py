"""Load a TensorFlow Serving REST endpoint and report latencies and throughput.

    python examples/serving/load_test.py texts.txt --concurrency 1,4,16 --batch_sizes 1,8

Each cell of the table keeps `concurrency` requests in flight, each of `batch_size` texts of
the file in turn, until `--requests` are answered or `--seconds` have passed. It loads this
machine only, unless `--allow_remote` is given: ask the owner of a server first.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import http.client
import itertools
import json
import math
import pathlib
import sys
import threading
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MOST_REQUESTS, _MOST_SECONDS, _MOST_CONCURRENCY = 100_000, 600, 256


class Cell:
    """One concurrency and batch size: which requests are due, and what came of them."""

    def __init__(self, bodies: Sequence[bytes], requests: int, seconds: float) -> None:
        self.bodies = itertools.cycle(bodies)
        self.left, self.end = requests, time.monotonic() + seconds
        self.latencies: list[float] = []
        self.errors: list[str] = []
        self.lock = threading.Lock()

    def next(self) -> bytes | None:
        """The next body, or ``None`` when the count or the time is used up."""
        with self.lock:
            if self.left == 0 or time.monotonic() > self.end:
                return None
            self.left -= 1
            return next(self.bodies)

    def work(self, host: str, port: int, path: str) -> None:
        """One client: a connection that stays open, one request after another."""
        connection = http.client.HTTPConnection(host, port, timeout=60)
        while (body := self.next()) is not None:
            start = time.perf_counter()
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                error = None if answer.status == 200 else f"{answer.status} {content[:200]!r}"
            except (OSError, http.client.HTTPException) as problem:
                connection.close()  # the next request opens it again
                error = repr(problem)
            with self.lock:
                if error is None:
                    self.latencies.append(time.perf_counter() - start)
                else:
                    self.errors.append(error)
        connection.close()


def measure(
    url: str, texts: Sequence[str], concurrency: int, size: int, requests: int, seconds: float
) -> dict[str, Any]:
    """Runs one cell and returns its row of the table."""
    parts = urllib.parse.urlsplit(url)
    host, port, path = parts.hostname or "", parts.port or 80, f"{parts.path}:predict"
    bodies = [json.dumps({"instances": batch}).encode() for batch in _batches(texts, size)]
    warm = Cell(bodies, 3, seconds)
    warm.work(host, port, path)
    cell = Cell(bodies, requests, seconds)
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
        for client in [pool.submit(cell.work, host, port, path) for _ in range(concurrency)]:
            client.result()
    elapsed = time.perf_counter() - start
    return {
        "concurrency": concurrency,
        "batch_size": size,
        "answered": len(cell.latencies),
        "errors": len(cell.errors),
        **{f"p{share}_ms": percentile(cell.latencies, share) * 1e3 for share in (50, 95, 99)},
        "texts_per_second": len(cell.latencies) * size / elapsed,
        "first_error": cell.errors[0] if cell.errors else None,
    }


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that at least ``share`` percent of all do not exceed."""
    if not values:
        return math.nan
    return sorted(values)[math.ceil(share / 100 * len(values)) - 1]


def _batches(texts: Sequence[str], size: int) -> list[list[str]]:
    """Every text in a batch once; the last batch is filled up from the start."""
    endless = itertools.cycle(texts)
    return [[next(endless) for _ in range(size)] for _ in range(-(-len(texts) // size))]


def _numbers(words: str) -> list[int]:
    numbers = [int(word) for word in words.split(",")]
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"must be positive: {words}")
    return numbers


def _check(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, if anything."""
    host = urllib.parse.urlsplit(arguments.url).hostname
    if host not in _LOOPBACK and not arguments.allow_remote:
        return f"{host} is not this machine; --allow_remote if its owner agrees"
    limits = [
        ("requests", arguments.requests, _MOST_REQUESTS),
        ("seconds", arguments.seconds, _MOST_SECONDS),
        ("concurrency", max(arguments.concurrency), _MOST_CONCURRENCY),
    ]
    for name, value, most in limits:
        if not 0 < value <= most:
            return f"{name} must be positive and at most {most}, received {value}"
    return None


def main() -> int:
    """Prints the table; 1 if a request failed, 2 if it may not start."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("texts", type=pathlib.Path, help="file of real texts, one a line")
    add("--url", default="http://localhost:8501/v1/models/bert")
    add("--concurrency", type=_numbers, default=[1, 4, 16], help="e.g. 1,4,16")
    add("--batch_sizes", type=_numbers, default=[1, 8], help="texts in a request, e.g. 1,8")
    add("--requests", type=int, default=200, help="of each cell, at most")
    add("--seconds", type=float, default=30, help="of each cell, at most")
    add("--json", type=pathlib.Path, help="file for the rows")
    add("--allow_remote", action="store_true", help="load another machine than this one")
    arguments = parser.parse_args()
    wrong = _check(arguments)
    texts = [line for line in arguments.texts.read_text(encoding="utf-8").splitlines() if line]
    if wrong or not texts:
        print(wrong or f"{arguments.texts} holds no texts", file=sys.stderr)
        return 2
    rows = []
    print("clients  batch  answered  errors    p50 ms    p95 ms    p99 ms   texts/s")
    for clients, size in itertools.product(arguments.concurrency, arguments.batch_sizes):
        limits = (arguments.requests, arguments.seconds)
        row = measure(arguments.url, texts, clients, size, *limits)
        rows.append(row)
        print(
            f"{clients:7}  {size:5}  {row['answered']:8}  {row['errors']:6}  {row['p50_ms']:8.1f}  "
            f"{row['p95_ms']:8.1f}  {row['p99_ms']:8.1f}  {row['texts_per_second']:8.1f}"
            + (f"  {row['first_error']}" if row["errors"] else ""),
            flush=True,
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 1 if any(row["errors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
