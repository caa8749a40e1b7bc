"""Tables of texts and labels from CSV, TSV and JSON-lines files."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.data.columns import Part, picked
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.labels import encode_labels
from keras_bert_zoo.data.records import Reader, Record, records

EMPTY_TEXTS = ("error", "drop", "keep")


def check_empty_texts(value: str) -> None:
    """Refuses a choice that no table of texts has.

    Raises:
        ValueError: it is none of ``EMPTY_TEXTS``.
    """
    if value not in EMPTY_TEXTS:
        raise ValueError(f"empty_texts must be one of {EMPTY_TEXTS}: {value!r}")


_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextTable:
    """How to read a table of texts.

    Args:
        text: column of the text.
        text_pair: column of the second text, for pairs.
        label: column of the label; ``None`` reads no labels.
        delimiter: separates columns; by default by the file's suffix: comma for
            ``.csv``, tab for ``.tsv``. With a tab, quotes are ordinary characters, as in
            GLUE's files.
        encoding: of the file; a byte order mark is skipped.
        empty_texts: what to do with rows whose text has only white space: ``"error"``,
            ``"drop"`` (the number is logged) or ``"keep"``.
    """

    text: str = "text"
    text_pair: str | None = None
    label: str | None = "label"
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"

    def __post_init__(self) -> None:
        """Refuses an unknown choice."""
        check_empty_texts(self.empty_texts)
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(f"delimiter must be one character, received {self.delimiter!r}.")
        try:
            "a".encode(self.encoding)
        except LookupError as error:
            raise ValueError(
                f"encoding must be of text, e.g. utf-8 or gb18030: {error}."
            ) from error

    def read(
        self,
        source: str | pathlib.Path,
        readers: Mapping[str, Reader] | None = None,
        limit: int | None = None,
    ) -> TextRows:
        """Reads a ``.csv``, ``.tsv`` or ``.jsonl`` file, or e.g. ``"tweets://train"``.

        Args:
            source: the file.
            readers: further formats, by suffix.
            limit: so many rows are read, from the first, and no others looked at; all by default.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the format is unknown, bytes do not decode, a column is missing,
                a row has too many or too few columns, a text is no string or is empty;
                the message names file and line. Or the limit is less than 1.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, or None for all rows, received {limit}.")
        found = records(source, delimiter=self.delimiter, encoding=self.encoding, readers=readers)
        found = itertools.islice(found, limit)
        rows = [(place, self._pick(place, values)) for place, values in found]
        rows = self._without_empty(str(source), rows)
        if not rows:
            raise ValueError(f"{source} holds no rows.")
        return TextRows(
            places=[place for place, _ in rows],
            texts=[values[self.text] for _, values in rows],
            text_pairs=[values[self.text_pair] for _, values in rows] if self.text_pair else None,
            labels=[values[self.label] for _, values in rows] if self.label else None,
        )

    def _pick(self, place: str, values: dict[str, Any]) -> dict[str, Any]:
        wanted = [name for name in (self.text, self.text_pair, self.label) if name]
        missing = [name for name in wanted if name not in values]
        if missing:
            raise ValueError(
                f"{place}: no column {missing}. The columns are {list(values)}; say which to take "
                "with text_column, pair_column and label_column."
            )
        for name in filter(None, (self.text, self.text_pair)):
            if not isinstance(values[name], str):
                raise ValueError(f"{place}: {name!r} must be a string, received {values[name]!r}.")
        if self.label and values[self.label] is None:
            raise ValueError(f"{place}: {self.label!r} is null.")
        return {name: values[name] for name in wanted}

    def _without_empty(self, source: str, rows: list[Record]) -> list[Record]:
        if self.empty_texts == "keep":
            return rows
        names = [name for name in (self.text, self.text_pair) if name]
        empty = [row for row in rows if not all(row[1][name].strip() for name in names)]
        if empty and self.empty_texts == "error":
            raise ValueError(
                f"{source}: {len(empty)} of {len(rows)} rows have an empty text, the first at "
                f"{empty[0][0]}. Fill them, or set empty_texts to 'drop' or 'keep'."
            )
        if empty:
            _log.warning("%s: dropped %d rows without text", source, len(empty))
        dropped = {place for place, _ in empty}
        return [row for row in rows if row[0] not in dropped]


@dataclasses.dataclass(frozen=True)
class TextRows:
    """A table as read: texts, optional pairs, labels as written, and the place of each row."""

    places: list[str]
    texts: list[str]
    text_pairs: list[str] | None
    labels: list[Any] | None

    def examples(self, problem_type: str, names: Sequence[str]) -> Examples:
        """Encodes the labels, see ``data.labels.encode_labels``."""
        if self.labels is None:
            return Examples(self.texts, self.text_pairs)
        labels = encode_labels(self.labels, problem_type, names, self.places)
        return Examples(self.texts, self.text_pairs, labels)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: Part) -> TextRows:
        columns = (getattr(self, field.name) for field in dataclasses.fields(self))
        return TextRows(*(picked(column, part) for column in columns))
