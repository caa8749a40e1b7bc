"""Texts of a column of a parquet file. Needs pyarrow, the extra ``parquet``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import IO, Any

from keras_bert_zoo.corpus.formats import DOCUMENT
from keras_bert_zoo.corpus.sources import CorpusError

_ROWS = 256


def check(name: str, column: str) -> None:
    """Refuses a file that is no parquet, or has no such column of text.

    Raises:
        CorpusError: see above.
        ImportError: pyarrow is not installed.
    """
    with open(name, "rb") as raw:  # noqa: PTH123
        _open(name, raw, column)


def pieces(name: str, raw: IO[bytes], column: str, size: int) -> Iterator[bytes]:
    """Texts one after the other with ``DOCUMENT`` behind each, about ``size`` bytes at a time.

    Rows without a text give an empty document.
    """
    waiting: list[str] = []
    filled = 0
    for batch in _open(name, raw, column).iter_batches(_ROWS, columns=[column]):
        for text in batch.column(0).to_pylist():
            waiting.append((text or "").replace(DOCUMENT, " ") + DOCUMENT)
            filled += len(waiting[-1])
            if filled >= size // 4:  # of characters, which have up to four bytes
                yield _bytes(waiting)
                waiting, filled = [], 0
    if waiting:
        yield _bytes(waiting)


def _bytes(texts: list[str]) -> bytes:
    return "".join(texts).encode("utf-8", "replace")


def _open(name: str, raw: IO[bytes], column: str) -> Any:
    try:
        arrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(
            f"{name} is a parquet file, which takes pyarrow: pip install keras-bert-zoo[parquet]"
        ) from error
    try:
        file = parquet.ParquetFile(raw)
    except arrow.ArrowException as error:
        raise CorpusError(f"{name} is no parquet file, or a damaged one: {error}") from error
    types = {field.name: field.type for field in file.schema_arrow}
    is_text = (arrow.types.is_string, arrow.types.is_large_string)
    texts = [each for each, kind in types.items() if any(test(kind) for test in is_text)]
    if column not in texts:
        raise CorpusError(
            f"text_column must be a column of text of {name}, {texts}; received {column!r}."
        )
    return file
