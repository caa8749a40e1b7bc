"""The texts of a corpus, one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras_bert_zoo.corpus import sources
from keras_bert_zoo.corpus.documents import read_text
from keras_bert_zoo.corpus.formats import DOCUMENT
from keras_bert_zoo.corpus.reading import Reader
from keras_bert_zoo.corpus.sentences import SENTENCE


@dataclasses.dataclass(frozen=True)
class Texts:
    """The documents of a corpus; each iteration reads them.

    Args:
        corpus: see ``sources.find``.
        format: see ``Reader``.
        text_column: of JSON lines and parquet.
        invalid_utf8: see ``documents.read_text``.
        report: called with bytes of text and of the disk when these are read.

    Raises:
        CorpusError: a file is missing, damaged or no text, or see ``documents.read_text``.
    """

    corpus: Sequence[str]
    format: str = "auto"
    text_column: str = "text"
    invalid_utf8: str = "replace"
    report: Callable[[int, int], Any] = lambda text, disk: None

    def __iter__(self) -> Iterator[str]:
        reader = Reader(self.format, self.text_column)
        found = sources.find(self.corpus)
        reader.check(found)
        for group in reader.groups(found):
            for unit in reader.units(group):
                for part in unit.parts:
                    text = read_text(
                        part, invalid_utf8=self.invalid_utf8, text_column=self.text_column
                    )
                    yield from text.marked.replace(SENTENCE, " ").split(DOCUMENT)
                self.report(unit.size, unit.disk)
