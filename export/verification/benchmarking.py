"""Time and memory of artifacts by length, batch and threads, each in its own runtime."""

from __future__ import annotations

import collections
import itertools
import math
import os
import pathlib
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .. import process
from ..artifact import Artifact
from ..errors import ExportError
from ..formats import FORMATS, WRITERS
from ..measurement import Opened, open_measured
from ..progress import Steps
from ..runtimes import RUNTIMES
from ..signature import Signature, choose
from .comparison import percentiles
from .timings import Benchmark, Cell, Timed
from .workload import Shape, calls_of

_WARM_UP, _FEWEST = 2, 5
# Of a processor: more only wait for each other, and thousands stop the machine.
_MOST_THREADS = 4
_LARGEST_BATCH = 4096


def benchmark(
    artifacts: Iterable[Artifact | str | pathlib.Path],
    *,
    lengths: Iterable[int] = (16, 32, 64, 128),
    batch_sizes: Iterable[int] = (1, 8),
    threads: Iterable[int] | None = None,
    seconds: float = 1.0,
    repeats: int = 3,
    progress: bool = True,
) -> Benchmark:
    """Times artifacts on rows of random words, all of the same length.

    Where an artifact has fixed lengths, rows are padded to the shortest that holds them, as
    ``Runner`` does; lengths and batches that it does not take are left out. Every repetition
    opens every artifact in a fresh process, one after the other, so that a machine that slows
    down slows all of them.

    Args:
        artifacts: artifacts or their directories; checked against their manifests.
        lengths: tokens in a row, ``[CLS]`` and ``[SEP]`` among them.
        batch_sizes: rows in a call.
        threads: of each runtime; by default one, and one per processor.
        seconds: how long each combination is called in each repetition, at least 5 times.
        repeats: repetitions.
        progress: whether to show it on the terminal.

    Returns:
        Times, sizes and memory.

    Raises:
        CorruptArtifact: an artifact is not what was exported.
        ExportError: a number is out of range, or an artifact writes or takes none of the lengths.
        MissingRuntime: a runtime is not installed.
    """
    shapes = [
        Shape(batch, length)
        for batch in _positive("batch_sizes", batch_sizes, _LARGEST_BATCH)
        for length in _positive("lengths", lengths)
    ]
    cores = os.cpu_count() or 1
    pools = _positive("threads", threads or (1, cores), _MOST_THREADS * cores)
    _positive("repeats", [repeats])
    if not 0 < seconds < math.inf:
        raise ExportError(f"seconds must be a positive number, received {seconds}.")
    opened = [Artifact.load(a.path if isinstance(a, Artifact) else a) for a in artifacts]
    if writing := [str(artifact.path) for artifact in opened if artifact.task in WRITERS]:
        raise ExportError(
            f"{writing} write, and a benchmark times one call. Verify them: the report has the "
            "time of a text."
        )
    ways = [way for count in pools for a in opened for way in _ways(a, shapes, count)]
    names = [f"{n + 1}/{repeats} {way.label}" for n in range(repeats) for way in ways]
    runs = []
    with Steps(names, visible=progress) as steps:
        for name, way in zip(names, ways * repeats, strict=True):
            steps.start(name)
            runs.append(_run(way, seconds))
    count = collections.Counter(artifact.format for artifact in opened)
    rows = [
        _row(way, runs[index :: len(ways)], shared=count[way.artifact.format] > 1)
        for index, way in enumerate(ways)
    ]
    return Benchmark(tuple(rows), repeats, seconds)


class _Way(NamedTuple):
    """One way to call an artifact: with ids or with text, and a number of threads."""

    artifact: Artifact
    takes_text: bool
    threads: int
    calls: Mapping[Shape, Mapping[str, Any]]

    @property
    def signatures(self) -> list[Signature]:
        return [s for s in self.artifact.signatures if s.takes_text == self.takes_text]

    @property
    def label(self) -> str:
        kind = "text" if self.takes_text else "ids"
        return f"{self.artifact.format}, {kind}, {self.threads} threads"


def _ways(artifact: Artifact, shapes: Sequence[Shape], threads: int) -> list[_Way]:
    kinds = sorted({signature.takes_text for signature in artifact.signatures})
    ways = [_Way(artifact, kind, threads, calls_of(artifact, kind, shapes)) for kind in kinds]
    for way in ways:
        if not way.calls:
            raise ExportError(
                f"{artifact.path} takes none of the batch sizes and lengths {shapes}. Its "
                f"signatures: {[f'{s.name} {s.inputs[0].axes}' for s in way.signatures]}."
            )
    return ways


def _positive(name: str, values: Iterable[int], most: float = math.inf) -> list[int]:
    numbers = sorted(set(values))
    if not numbers or numbers[0] < 1 or numbers[-1] > most:
        end = "" if most == math.inf else f", at most {most}"
        raise ExportError(f"{name} must be numbers of 1 and more{end}, received {numbers}.")
    return numbers


def _run(way: _Way, seconds: float) -> tuple[list[list[float]], Opened]:
    name = FORMATS[way.artifact.format].runtime
    calls = []
    for inputs in way.calls.values():
        signature = choose(way.signatures, inputs)
        calls.append((way.signatures.index(signature), signature.bind(inputs)))
    request = (name, str(way.artifact.file), way.signatures, way.threads, calls, seconds)
    return process.call(_time_all, *request, hide=RUNTIMES[name].hide)


def _time_all(
    name: str,
    path: str,
    signatures: Sequence[Signature],
    threads: int,
    calls: Sequence[tuple[int, Any]],
    seconds: float,
) -> tuple[list[list[float]], Opened]:
    """The child's part: seconds of each run of each call."""
    sessions, opened = open_measured(name, path, signatures, threads, calls)
    return [_time(sessions[index].run, inputs, seconds) for index, inputs in calls], opened


def _time(run: Any, inputs: Any, seconds: float) -> list[float]:
    for _ in range(_WARM_UP):
        run(inputs)
    found: list[float] = []
    while sum(found) < seconds or len(found) < _FEWEST:
        start = time.perf_counter()
        run(inputs)
        found.append(time.perf_counter() - start)
    return found


def _row(way: _Way, runs: Sequence[tuple[list[list[float]], Opened]], *, shared: bool) -> Timed:
    # Of every run the same call, one after the other.
    together = zip(*(times for times, _ in runs), strict=True)
    pooled = [list(itertools.chain.from_iterable(times)) for times in together]
    cells = [
        Cell(
            *shape,
            runs=len(times),
            **percentiles(times),
            texts_per_second=shape.batch_size / statistics.fmean(times),
        )
        for shape, times in zip(way.calls, pooled, strict=True)
    ]
    opened = [each for _, each in runs]
    memory = [each.memory for each in opened if each.memory is not None]
    return Timed(
        format=way.artifact.format,
        path=str(way.artifact.path),
        takes_text=way.takes_text,
        threads=way.threads,
        runtime=opened[0].runtime,
        size=way.artifact.size,
        load=1e3 * statistics.median(each.load for each in opened),
        memory=round(statistics.median(memory)) if memory else None,
        cells=tuple(cells),
        verification=way.artifact.verification,
        shared=shared,
    )
