"""A model run in its runtime, in a fresh process: outputs, times and memory."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import pathlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import process
from .formats import KNOWN_FORMATS
from .runtimes import RUNTIMES, Session, load_runtime, open_sessions
from .signature import Signature, choose

if TYPE_CHECKING:
    from .artifact import Artifact

_WARM_UP = 3


@dataclasses.dataclass(frozen=True)
class Opened:
    """A model in its runtime.

    Args:
        runtime: package and version.
        inputs: names and types that the model itself declares.
        load: seconds from the path to a model that can be called.
        memory: bytes that the process grew by, at its peak, from before the model was opened
            to after its largest call; ``None`` but on Linux.
    """

    runtime: str
    inputs: Mapping[str, str]
    load: float
    memory: int | None


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What came out of a model.

    Args:
        outputs: arrays by name, for each batch.
        seconds: wall time of each batch, after a short warm-up.
        opened: what opening the model took.
    """

    outputs: list[dict[str, np.ndarray]]
    seconds: list[float]
    opened: Opened


def measure(
    artifact: Artifact,
    signatures: Sequence[Signature],
    batches: Sequence[Mapping[str, Any]],
    threads: int | None = None,
) -> Measurement:
    """Runs batches through an artifact, in its runtime and in a fresh process.

    Args:
        artifact: what to run.
        signatures: those of its signatures to call, each batch by the first that it fits.
        batches: inputs by name.
        threads: how many the runtime may use; by default one per processor.

    Raises:
        MissingRuntime: the runtime is not installed.
        ValueError: inputs fit none of the signatures.
    """
    name = KNOWN_FORMATS[artifact.format].runtime
    chosen = [choose(signatures, inputs) for inputs in batches]
    calls = [
        (signatures.index(signature), signature.bind(inputs))
        for signature, inputs in zip(chosen, batches, strict=True)
    ]
    request = (name, str(artifact.file), signatures, calls, threads or os.cpu_count() or 1)
    return process.call(_measure, *request, hide=RUNTIMES[name].hide)


def timed(
    run: Callable[[Any], Any], batches: Sequence[Any]
) -> tuple[list[dict[str, np.ndarray]], list[float]]:
    """Runs every batch once, after a short warm-up, and times each."""
    for batch in batches[:_WARM_UP]:
        run(batch)
    outputs, seconds = [], []
    for batch in batches:
        start = time.perf_counter()
        outputs.append(run(batch))
        seconds.append(time.perf_counter() - start)
    return outputs, seconds


def _measure(
    name: str, path: str, signatures: Sequence[Signature], calls: list[Any], threads: int
) -> Measurement:
    sessions, opened = open_measured(name, path, signatures, threads, calls)
    outputs, seconds = timed(lambda call: sessions[call[0]].run(call[1]), calls)
    return Measurement(outputs, seconds, opened)


def open_measured(
    name: str, path: str, signatures: Sequence[Signature], threads: int, calls: Sequence[Any]
) -> tuple[list[Session], Opened]:
    """Opens a model as ``open_sessions`` does, and measures that.

    Args:
        name: key of ``RUNTIMES``.
        path: of the model.
        signatures: what to open of it.
        threads: how many the runtime may use.
        calls: pairs of the index of a signature and its inputs; the largest is run once.
    """
    row = RUNTIMES[name]
    load_runtime(name, path)
    before, start = _peak_memory(), time.perf_counter()
    sessions = open_sessions(name, path, signatures, threads)
    load = time.perf_counter() - start
    index, inputs = max(calls, key=lambda call: sum(np.size(value) for value in call[1].values()))
    sessions[index].run(inputs)
    after = _peak_memory()
    runtime = f"{row.package} {importlib.metadata.version(row.package)}"
    memory = None if before is None or after is None else after - before
    return sessions, Opened(runtime, sessions[0].inputs, load, memory)


def _peak_memory() -> int | None:
    """Bytes that this process had resident at most, so far; ``None`` but on Linux.

    Not ``getrusage``: its peak is inherited from the parent.
    """
    status = pathlib.Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return None if found is None else int(found[1]) * 1024
