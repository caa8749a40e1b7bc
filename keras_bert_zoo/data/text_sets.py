"""Tables of texts that belong together: pairs, and sets with texts that do not fit."""

from __future__ import annotations

import dataclasses
import logging
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.columns import Part, picked
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.records import Record, records
from keras_bert_zoo.data.text_files import check_empty_texts

_log = logging.getLogger(__name__)
LABEL = "label"


@dataclasses.dataclass(frozen=True)
class TextSets:
    """Sets of texts, the place of each, and perhaps a number for each.

    Args:
        places: for error messages, N or none.
        texts: N texts for each member of a set, the first of all sets first.
        labels: float32 ``(N,)``, or ``None``.
    """

    places: list[str]
    texts: tuple[list[str], ...]
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts[0])

    def __getitem__(self, part: Part) -> TextSets:
        texts = tuple(picked(column, part) for column in self.texts)
        return TextSets(picked(self.places, part), texts, picked(self.labels, part))

    @property
    def members(self) -> int:
        """Texts of a set."""
        return len(self.texts)

    def examples(self) -> Examples:
        """All texts, those of a set one after the other."""
        return Examples([text for texts in zip(*self.texts, strict=True) for text in texts])

    def answers(self) -> np.ndarray:
        """A number for each text but the first ones, alike for the same text, ``(N, M - 1)``."""
        texts = np.array(self.texts[1:], object).T
        return np.unique(texts, return_inverse=True)[1].reshape(texts.shape)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SetTable:
    """How to read a table of sets of texts.

    Args:
        texts: columns of the members of a set, at least two.
        label: column of a number; ``None`` reads no labels.
        label_range: the lowest and the highest label, which become 0 and 1; by default labels
            stay as they are.
        delimiter: separates columns, see ``data.records``.
        encoding: of the file.
        empty_texts: ``"error"``, ``"drop"`` (the number is logged) or ``"keep"`` sets with a
            text of white space.

    Raises:
        ValueError: a choice is unknown, a column stands twice, or the range is none.
    """

    texts: tuple[str, ...] = ("text", "text_pair")
    label: str | None = LABEL
    label_range: Sequence[float] | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"

    def __post_init__(self) -> None:
        """Refuses choices that fit no table."""
        check_empty_texts(self.empty_texts)
        if len(self.texts) < 2 or len(set(self.texts)) < len(self.texts):
            raise ValueError(f"texts must be two different columns or more, received {self.texts}.")
        if self.label_range is not None and not _is_range(self.label_range):
            raise ValueError(
                "label_range must be the lowest and the highest label, e.g. [1, 5], received "
                f"{self.label_range!r}."
            )

    def read(self, source: str | pathlib.Path) -> TextSets:
        """Reads a ``.csv``, ``.tsv`` or ``.jsonl`` file.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the format is unknown, bytes do not decode, a column is missing, a text
                is no string or empty, a label no number or out of range; the message names
                file and line.
        """
        found = records(source, delimiter=self.delimiter, encoding=self.encoding)
        rows = [(place, self._checked(place, values)) for place, values in found]
        rows = self._without_empty(str(source), rows)
        if not rows:
            raise ValueError(f"{source} holds no rows.")
        labels = None
        if self.label is None and LABEL in rows[0][1]:
            _log.warning(
                "%s: the column %r is not read. To learn from it, or be scored by it, take a loss "
                "of labelled pairs: the option loss, e.g. 'cosent'.",
                source,
                LABEL,
            )
        if self.label is not None:
            labels = np.array([self._number(*row) for row in rows], "float32")
        texts = tuple([values[name] for _, values in rows] for name in self.texts)
        return TextSets([place for place, _ in rows], texts, labels)

    def _checked(self, place: str, values: dict[str, Any]) -> dict[str, Any]:
        wanted = [*self.texts, *([self.label] if self.label else [])]
        if missing := [name for name in wanted if name not in values]:
            raise ValueError(
                f"{place}: no column {missing}. The columns are {list(values)}; say which to take "
                "with text_column, pair_column, label_column and the option negative_columns."
            )
        for name in self.texts:
            if not isinstance(values[name], str):
                raise ValueError(f"{place}: {name!r} must be a string, received {values[name]!r}.")
        return values

    def _without_empty(self, source: str, rows: list[Record]) -> list[Record]:
        full = [row for row in rows if all(row[1][name].strip() for name in self.texts)]
        if self.empty_texts == "keep" or len(full) == len(rows):
            return rows
        if self.empty_texts == "error":
            first = next(place for place, v in rows if not all(v[n].strip() for n in self.texts))
            raise ValueError(
                f"{source}: {len(rows) - len(full)} of {len(rows)} rows have an empty text, the "
                f"first at {first}. Fill them, or set empty_texts to 'drop' or 'keep'."
            )
        _log.warning("%s: dropped %d rows without text", source, len(rows) - len(full))
        return full

    def _number(self, place: str, values: dict[str, Any]) -> float:
        stated = values[str(self.label)]
        try:
            number = float(stated)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or isinstance(stated, bool):
            raise ValueError(f"{place}: {self.label!r} must be a number, received {stated!r}.")
        if self.label_range is None:
            return number
        low, high = self.label_range
        if not low <= number <= high:
            raise ValueError(f"{place}: {self.label!r} is {stated!r}, not from {low} to {high}.")
        return (number - low) / (high - low)


def _is_range(values: Any) -> bool:
    numbers = [x for x in values if isinstance(x, int | float)] if len(values) == 2 else []
    return len(numbers) == 2 and numbers[0] < numbers[1]
