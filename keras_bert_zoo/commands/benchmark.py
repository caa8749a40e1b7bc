"""``keras-bert-zoo benchmark``: time and memory of artifacts by length, batch and threads."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any


def benchmark(artifacts: Sequence[str], *, report: str | None = None, **options: Any) -> None:
    """Time artifacts in their own runtimes: latency, texts in a second, loading, memory.

    The arguments are those of the command line.
    """
    import rich

    from keras_bert_zoo.commands.export import numbers
    from keras_bert_zoo.commands.verify import report_paths, save_both
    from keras_bert_zoo.export.verification.benchmarking import benchmark as time_artifacts
    from keras_bert_zoo.export.verification.page import write_benchmark

    paths = report and report_paths(report)
    shapes = {name: numbers(name, options.pop(name)) for name in _SHAPES}
    found = time_artifacts(artifacts, **shapes, **options)
    rich.print(found.table())
    if paths:
        save_both(paths, found.save, functools.partial(write_benchmark, found))


_SHAPES = ("lengths", "batch_sizes", "threads")


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (benchmark.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo benchmark", description=description)
    add = parser.add_argument
    add("artifacts", nargs="+", help="directories that `keras-bert-zoo export` wrote")
    add("--lengths", default="16,32,64,128", help="tokens in a row, separated by commas")
    add("--batch_sizes", default="1,8", help="rows in a call, separated by commas")
    add("--threads", type=str | None, help="e.g. 1,4; by default one, and one per processor")
    add("--seconds", type=float, default=1.0, help="of calls for each combination, each time")
    add("--repeats", type=int, default=3, help="fresh processes for each artifact")
    add("--report", type=str | None, help="JSON file to write, with an HTML page beside it")
    benchmark(**vars(parser.parse_args(argv)))
