"""Files to units of work: parts of files that end where documents end.

Where units begin and end follows from the files alone, so that shards are the same however many
workers there are. One unit is in memory at a time, and what is handed on.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import gzip
import hashlib
import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

from keras_bert_zoo.corpus import parquet
from keras_bert_zoo.corpus.formats import FORMATS, format_of
from keras_bert_zoo.corpus.sources import (
    SAMPLE,
    STDIN,
    CorpusError,
    Source,
    check_text,
    refuse_binary,
)

# Bytes of text; a document that is longer becomes several.
UNIT = 1 << 21
# A line of JSON cannot be cut: this is the most that is read for one.
LONGEST_LINE = 1 << 26


@dataclasses.dataclass(frozen=True)
class Part:
    """Whole documents of one file.

    Args:
        name: of the file.
        offset: bytes of text before this part.
        format: a key of ``FORMATS``.
        data: the text.
        disk: bytes read from the disk for it.
    """

    name: str
    offset: int
    format: str
    data: bytes
    disk: int


@dataclasses.dataclass(frozen=True)
class Unit:
    """What one worker encodes at a time."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes of text."""
        return sum(len(part.data) for part in self.parts)

    @property
    def disk(self) -> int:
        """Bytes read from the disk."""
        return sum(part.disk for part in self.parts)

    def digest(self) -> bytes:
        """16 bytes that tell its text from another."""
        text = hashlib.blake2b(digest_size=16)
        for part in self.parts:
            text.update(part.data)
        return text.digest()


class TextDigest:
    """Of units one after the other."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, unit: bytes) -> str:
        """Adds the digest of a unit; returns that of all so far, 32 hexadecimal digits."""
        self._digest.update(unit)
        return self._digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Reader:
    """How a corpus is read.

    Args:
        format: a key of ``FORMATS``, or ``"auto"`` for the format of each file's suffix.
        text_column: of JSON lines and parquet.
        unit: bytes of text in a unit.
    """

    format: str = "auto"
    text_column: str = "text"
    unit: int = UNIT

    def check(self, sources: Sequence[Source]) -> None:
        """Refuses files that are no text, before any work."""
        for source in sources:
            if format_of(source.name, self.format) == "parquet":
                parquet.check(source.name, self.text_column)
            elif source.name != STDIN:
                check_text(source)

    def groups(self, sources: Sequence[Source]) -> list[list[Source]]:
        """Files to be read one after the other: a large one alone, small ones together."""
        groups: list[list[Source]] = []
        room = 0
        for source in sources:
            if source.size > room or source.name == STDIN:
                groups.append([])
                room = self.unit
            groups[-1].append(source)
            room -= self.unit if source.name == STDIN else source.size
        return groups

    def units(self, group: Sequence[Source]) -> Iterator[Unit]:
        """Cuts the files of a group into units.

        Raises:
            CorpusError: a file is damaged or binary, or a line of JSON is too long.
        """
        waiting: list[Part] = []
        for part in itertools.chain.from_iterable(map(self._parts, group)):
            if waiting and Unit(tuple(waiting)).size + len(part.data) > self.unit:
                yield Unit(tuple(waiting))
                waiting = []
            waiting.append(part)
        if waiting:
            yield Unit(tuple(waiting))

    def _parts(self, source: Source) -> Iterator[Part]:
        kind = format_of(source.name, self.format)
        offset = disk = 0
        with source.open() as raw, _naming(source):
            for data in self._pieces(source, raw, kind):
                if offset == 0:
                    refuse_binary(source.name, data[:SAMPLE])
                at = disk if source.name == STDIN else raw.tell()
                yield Part(source.name, offset, kind, data, at - disk)
                offset, disk = offset + len(data), at

    def _pieces(self, source: Source, raw: IO[bytes], kind: str) -> Iterator[bytes]:
        if kind == "parquet":
            return parquet.pieces(source.name, raw, self.text_column, self.unit)
        if kind == "jsonl":
            return _lines(source, source.text(raw), self.unit)
        return _documents(source.text(raw), FORMATS[kind].end, self.unit)


def _documents(file: IO[bytes], end: re.Pattern[bytes], size: int) -> Iterator[bytes]:
    """Cuts after documents, every ``size`` bytes or a little before."""
    block = file.read(size)
    while len(block) == size:
        cut = _last_end(block, end) or _anywhere(block)
        yield block[:cut]
        rest = block[cut:]
        block = rest + file.read(size - len(rest))
    if block:
        yield block


def _last_end(block: bytes, end: re.Pattern[bytes]) -> int:
    last = collections.deque(end.finditer(block), maxlen=1)
    return last[0].end() if last else 0


def _anywhere(block: bytes) -> int:
    """Where to cut a long document: after a line, else a word, else a character."""
    for space in (b"\n", b" "):
        if cut := block.rfind(space) + 1:
            return cut
    begun = next((n for n in range(1, 4) if block[-n] & 0xC0 != 0x80), 0)
    # The bytes of a character that begins here may not all be there.
    return len(block) - (begun if begun and block[-begun] & 0x80 else 0)


def _lines(source: Source, file: IO[bytes], size: int) -> Iterator[bytes]:
    """Cuts after the line that is under way when ``size`` bytes are read."""
    while block := file.read(size):
        rest = file.readline(LONGEST_LINE)
        if len(rest) == LONGEST_LINE:
            raise CorpusError(
                f"{source.name} has a line of more than {LONGEST_LINE >> 20} MiB, which JSON does "
                "not allow to cut. Divide its text into several lines, or write it as plain text."
            )
        yield block + rest


@contextlib.contextmanager
def _naming(source: Source) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(f"{source.name} is a damaged gzip file: {error}") from error
