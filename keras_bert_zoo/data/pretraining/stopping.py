"""Generators that end before the interpreter does. No TensorFlow.

A thread of ``tf.data`` that calls Python while the interpreter shuts down never gets its answer,
and the process, which waits for the thread, hangs: seen with TensorFlow 2.21 and a generator
without end whose iterator is still alive at the end of a program.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator
from typing import TypeVar

_Item = TypeVar("_Item")
_ending = threading.Event()
_GRACE = 0.05  # seconds in which calls that have begun come back


def until_exit(items: Iterator[_Item]) -> Iterator[_Item]:
    """The same items, and none any more once the interpreter has begun to shut down."""
    for item in items:
        if _ending.is_set():
            return
        yield item


@atexit.register
def _end() -> None:
    _ending.set()
    time.sleep(_GRACE)
