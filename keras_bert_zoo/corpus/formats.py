"""How files of text are divided into documents and sentences."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import re

_LINE = r"\n"
_BLANK_LINE = r"\n(?:[ \t\r]*\n)+"
_TWO_BLANK_LINES = r"\n(?:[ \t\r]*\n){2,}"


@dataclasses.dataclass(frozen=True)
class Format:
    """One way to write a corpus.

    Args:
        document: pattern of what stands between documents.
        paragraph: pattern of what ends a sentence, whatever stands before it.
        running: whether sentences are found by their punctuation.
    """

    document: str
    paragraph: str | None
    running: bool

    @functools.cached_property
    def end(self) -> re.Pattern[bytes]:
        """What stands between documents, in bytes."""
        return re.compile(self.document.encode())


FORMATS = {
    "sentences": Format(_BLANK_LINE, _LINE, running=False),
    "documents": Format(_LINE, None, running=True),
    "paragraphs": Format(_BLANK_LINE, None, running=True),
    "text": Format(_TWO_BLANK_LINES, _BLANK_LINE, running=True),
    "jsonl": Format(_LINE, _LINE, running=True),
    "parquet": Format("\x02", _LINE, running=True),
}
# Between documents, once they are told apart: no text, as SENTENCE is none.
DOCUMENT = "\x02"
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


def format_of(name: str, chosen: str) -> str:
    """The format of a file: the one chosen, or by its suffix; running text by default."""
    if chosen != "auto":
        return chosen
    path = pathlib.PurePath(name.removesuffix(".gz"))
    return _SUFFIXES.get(path.suffix.lower(), "text")
