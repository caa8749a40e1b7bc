"""Lines of standard input as they come."""

from __future__ import annotations

import collections
import os
import select
from collections.abc import Iterable, Iterator
from typing import TextIO

_BYTES_AT_ONCE = 1 << 16  # what a pipe holds
# Seconds that whoever fills a pipe has to fill it again.
_PATIENCE = 0.01


class PipedLines(Iterator[str]):
    """Lines of a file, a pipe or a terminal, which know whether the next is there.

    Args:
        descriptor: of the open file, of which nothing has been read.
        encoding: of its bytes, one in which a line end is one byte.
        errors: what becomes of other bytes, as of ``bytes.decode``.

    Raises:
        UnicodeDecodeError: bytes of the next line do not decode.
    """

    def __init__(self, descriptor: int, encoding: str, errors: str | None) -> None:
        self._descriptor = descriptor
        self._form = encoding, errors or "strict"
        self._lines: collections.deque[bytes] = collections.deque()
        self._rest = b""
        self._open = True

    def __next__(self) -> str:
        """The next line without its end; waits for it."""
        while self._open and not self._lines:
            self._read()
        if not self._lines:
            raise StopIteration
        return self._lines.popleft().decode(*self._form)

    def ready(self) -> bool:
        """Whether there is a next line that need not be waited for."""
        while self._open and not self._lines:
            if not select.select([self._descriptor], [], [], _PATIENCE)[0]:
                break
            self._read()
        return bool(self._lines)

    def _read(self) -> None:
        data = os.read(self._descriptor, _BYTES_AT_ONCE)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(lines)
        self._open = bool(data)
        if self._rest and not data:
            self._lines.append(self._rest)


def lines_of(stream: TextIO) -> Iterable[str]:
    """Lines of a stream: ``PipedLines``, but of one in memory the stream itself."""
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    return PipedLines(descriptor, stream.encoding, stream.errors)
