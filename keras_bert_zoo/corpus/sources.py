"""Which files make up a corpus, and whether they hold text."""

from __future__ import annotations

import dataclasses
import glob
import gzip
import hashlib
import pathlib
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

STDIN = "-"
# Bytes at the beginning of a file that show whether it is text.
SAMPLE = 1 << 16
# Of a sample; Latin text in another encoding has fewer, Chinese in GBK has more.
_MOST_BROKEN = 0.1


class CorpusError(ValueError):
    """A corpus that is missing, empty, or no text."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One file of a corpus, or standard input.

    Args:
        name: as in messages.
        size: bytes on disk; 0 for standard input.
    """

    name: str
    size: int

    @property
    def zipped(self) -> bool:
        """Whether the file is to be unpacked."""
        return self.name.endswith(".gz")

    def open(self) -> IO[bytes]:
        """Opens the file as it lies on disk."""
        return sys.stdin.buffer if self.name == STDIN else pathlib.Path(self.name).open("rb")

    def text(self, raw: IO[bytes]) -> IO[bytes]:
        """What a file that was opened holds, unpacked."""
        return gzip.GzipFile(fileobj=raw) if self.zipped else raw  # type: ignore[return-value]


def find(corpus: Sequence[str]) -> list[Source]:
    """The files that the arguments name, in their order; a file named twice counts once.

    Args:
        corpus: files, directories (every file below, but hidden ones), patterns with ``*``,
            or ``-`` for standard input. What a pattern or a directory names is sorted.

    Raises:
        CorpusError: an argument names nothing, or all files are empty.
    """
    names = list(dict.fromkeys(name for argument in corpus for name in _names(argument)))
    sources = [Source(n, 0 if n == STDIN else pathlib.Path(n).stat().st_size) for n in names]
    if not any(source.size or source.name == STDIN for source in sources):
        raise CorpusError(f"The corpus is empty: {list(corpus)} hold no byte.")
    return sources


def _names(argument: str) -> Iterator[str]:
    path = pathlib.Path(argument)
    if argument == STDIN or path.is_file():
        return iter([argument])
    if path.is_dir():
        below = (each for each in path.rglob("*") if each.is_file())
        visible = (p for p in below if not any(n[0] == "." for n in p.relative_to(path).parts))
        found = sorted(map(str, visible))
    else:
        matches = glob.glob(argument, recursive=True)  # noqa: PTH207 (of absolute patterns too)
        found = sorted(name for name in matches if pathlib.Path(name).is_file())
    if not found:
        raise CorpusError(
            f"{argument!r} names no file. Give files, directories, patterns such as 'wiki/*.gz', "
            "or - for standard input."
        )
    return iter(found)


def digest(sources: Sequence[Source]) -> str:
    """SHA-256 of the names and sizes, 16 hexadecimal digits."""
    lines = "\n".join(f"{source.size} {source.name}" for source in sources)
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def check_text(source: Source) -> None:
    """Refuses a file whose beginning is no text in UTF-8.

    Raises:
        CorpusError: there is a NUL byte, or much that is no UTF-8; or it is no gzip file
            though it is named like one.
    """
    try:
        with source.open() as raw, source.text(raw) as file:
            refuse_binary(source.name, file.read(SAMPLE))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(f"{source.name} is a damaged gzip file: {error}") from error


def refuse_binary(name: str, sample: bytes) -> None:
    """Refuses what is no text in UTF-8; see ``check_text``."""
    if b"\0" in sample:
        raise CorpusError(
            f"{name} is no text: byte {sample.index(0)} is NUL. Leave binary files out of the "
            "corpus; save UTF-16 as UTF-8; gzip is known by the suffix .gz, parquet by .parquet."
        )
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd") - sample.count("\ufffd".encode())
    if broken > max(1, _MOST_BROKEN * len(text)):
        raise CorpusError(
            f"{name} is no text in UTF-8: {broken:,} of its first {len(text):,} characters are "
            "broken. Convert it, e.g. with iconv -f GBK -t UTF-8."
        )
