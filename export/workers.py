"""An artifact opened in this process, several times where there are many batches."""

from __future__ import annotations

import concurrent.futures
import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from keras_bert_zoo.evaluation.side_by_side import run_ahead

from .artifact import Artifact
from .formats import KNOWN_FORMATS
from .runner import Runner
from .runtimes import RUNTIMES

_Answer = TypeVar("_Answer")
# Each worker has its own copy of the weights, in bytes of the file: all together no more than that.
_ROOM = 1 << 30
_MOST = 4


class Workers:
    """Calls an artifact; batches of one ``map`` are run side by side.

    A batch on every thread is slower than as many batches, each on its own: MiniLM in 8 bits came
    from 3.57 to 4.03 (ONNX) and from 3.01 to 3.74 (TFLite) times the peer of
    ``benchmarks/encoding_speed.py`` on two cores. A single batch is still run on all threads.

    Args:
        artifact: what to open.
        threads: how many there may be; by default one per processor.

    Raises:
        MissingRuntime: the runtime is not installed.
    """

    def __init__(self, artifact: Artifact, threads: int | None = None) -> None:
        threads = threads or os.cpu_count() or 1
        self._open = functools.partial(Runner, artifact, takes_text=False)
        self._run = self._open(threads)
        self._own = threading.local()
        alone = not RUNTIMES[KNOWN_FORMATS[artifact.format].runtime].side_by_side
        self.count = 1 if alone else max(1, min(threads, _MOST, _ROOM // max(artifact.size, 1)))
        self._threads = threads // self.count

    def __call__(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Runs one batch, as ``Runner`` does."""
        return getattr(self._own, "run", self._run)(inputs)

    def map(self, function: Callable[[Any], _Answer], batches: Iterable[Any]) -> Iterator[_Answer]:
        """``map``, of a function that calls this; some answers are made ahead."""
        batches = iter(batches)
        first = list(itertools.islice(batches, 2))
        batches = itertools.chain(first, batches)
        if self.count == 1 or len(first) < 2:
            yield from map(function, batches)
            return
        yield from run_ahead(self._pool, self.count, function, batches)

    @functools.cached_property
    def _pool(self) -> concurrent.futures.ThreadPoolExecutor:
        def open_own() -> None:
            self._own.run = self._open(self._threads)

        return concurrent.futures.ThreadPoolExecutor(self.count, initializer=open_own)
