"""Bounds on what a block may take, however busy the machine is."""

from __future__ import annotations

import contextlib
import pathlib
import resource
import time
from collections.abc import Iterator

MEGABYTE = 2**20


@contextlib.contextmanager
def limits(megabytes: int = 512, seconds: float = 20) -> Iterator[None]:
    """Lets no allocation of more memory succeed, and fails what took more processor time.

    Address space is bounded, of which also memory counts that is never touched; so an absurd
    allocation ends in a ``MemoryError`` and not in a machine that swaps.
    """
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    start = time.thread_time()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    taken = time.thread_time() - start
    assert taken < seconds, f"it took {taken:.1f} seconds"
