"""Parts of files to documents, each a list of sentences."""

from __future__ import annotations

import dataclasses
import json
import re

from keras_bert_zoo.corpus.formats import DOCUMENT, FORMATS
from keras_bert_zoo.corpus.reading import Part
from keras_bert_zoo.corpus.sentences import SENTENCE, mark_sentences
from keras_bert_zoo.corpus.sources import CorpusError

_NOTHING = f" \t\r\n\f\v{SENTENCE}"


@dataclasses.dataclass(frozen=True)
class Text:
    """Documents as one string.

    Args:
        marked: with ``DOCUMENT`` between documents and ``SENTENCE`` between sentences.
        invalid: broken characters that U+FFFD replaces.
    """

    marked: str
    invalid: int

    def documents(self) -> list[str]:
        """Each document, its sentences still joined by ``SENTENCE``; empty ones left out."""
        return [each for each in self.marked.split(DOCUMENT) if each.strip(_NOTHING)]


def read_text(part: Part, *, invalid_utf8: str = "replace", text_column: str = "text") -> Text:
    """Finds the documents and sentences of a part.

    Args:
        part: of a file.
        invalid_utf8: ``"replace"`` or ``"error"``.
        text_column: key of the text in JSON lines.

    Raises:
        CorpusError: invalid UTF-8 that is to be an error, or a line that is no JSON object
            with a text; both with the file, the byte and the line.
    """
    kind = FORMATS[part.format]
    text, invalid = _decoded(part, invalid_utf8)
    if part.format == "jsonl":
        text = _from_json(part, text, text_column)
    elif part.format != "parquet":
        text = re.sub(kind.document, DOCUMENT, text.replace(DOCUMENT, " "))
    text = text.replace(SENTENCE, " ")
    if kind.paragraph:
        text = re.sub(kind.paragraph, SENTENCE, text)
    return Text(mark_sentences(text) if kind.running else text, invalid)


def _decoded(part: Part, invalid_utf8: str) -> tuple[str, int]:
    invalid = 0
    try:
        text = part.data.decode()
    except UnicodeDecodeError as error:
        if invalid_utf8 == "error":
            line = part.data[part.data.rfind(b"\n", 0, error.start) + 1 :].split(b"\n")[0]
            raise CorpusError(
                f"{part.name} is no valid UTF-8 at byte {part.offset + error.start:,}: "
                f"{error.reason}, in the line {line[:80]!r}. Convert the file, e.g. with iconv -f "
                "LATIN1 -t UTF-8, or let prepare count such bytes (invalid_utf8=replace)."
            ) from error
        text = part.data.decode("utf-8", "replace")
        invalid = text.count("\ufffd") - part.data.count("\ufffd".encode())
    return text.removeprefix("\ufeff").replace("\r\n", "\n"), invalid


def _from_json(part: Part, text: str, column: str) -> str:
    lines = text.split("\n")
    texts = []
    for number, line in enumerate(lines):
        try:
            texts += [_value(line, column)] if line.strip() else []
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            offset = part.offset + sum(len(each.encode()) + 1 for each in lines[:number])
            raise CorpusError(
                f"{part.name}: the line at byte {offset:,} is no JSON object with a text under "
                f"{column!r} (text_column): {line[:80]!r}"
            ) from error
    return DOCUMENT.join(texts)


def _value(line: str, column: str) -> str:
    value: str | None = json.loads(line)[column]
    return "" if value is None else value.replace("\r\n", "\n").replace(DOCUMENT, " ")
