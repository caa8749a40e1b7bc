"""Questions with several choices, from CSV, TSV and JSON-lines files as data sets publish them.

``N`` is the number of rows, ``C`` the largest number of choices that one of them has.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_bert_zoo.data.choice_columns import Layout, choices_of, label_of, layout_of
from keras_bert_zoo.data.columns import Part, picked
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.records import place_of, records, refuse_duplicates
from keras_bert_zoo.data.text_files import check_empty_texts

_log = logging.getLogger(__name__)
_BLANK = re.compile("_+")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChoiceTable:
    """How to read a table of choices; what is ``None`` is found by ``choice_columns.LAYOUTS``.

    Args:
        text: column of the first text.
        question: column of what each choice goes on from: SWAG's ``sent2``, RACE's
            ``question``. A run of ``_`` in it is a blank, and the choice takes its place.
        choices: column of a list of strings (in a CSV written as JSON) or of ARC's
            ``{"text": […], "label": […]}``; or what the names of numbered columns begin with:
            ``ending`` for ``ending0``, ``ending1``, …
        label: column of the right choice: an index from 0, a letter, or the name that the
            choices of ARC carry.
        delimiter: separates columns, see ``data.records``.
        encoding: of the file.
        empty_texts: ``"error"``, ``"drop"`` or ``"keep"`` rows whose text or one of whose
            choices has only white space; such a choice is none. Behind the last of numbered
            columns that a row fills, there may be empty ones.

    Raises:
        ValueError: ``empty_texts`` is something else.
    """

    text: str | None = None
    question: str | None = None
    choices: str | None = None
    label: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"

    def __post_init__(self) -> None:
        """Refuses an unknown choice."""
        check_empty_texts(self.empty_texts)

    def read(self, source: str | pathlib.Path) -> ChoiceRows:
        """Reads a file of labelled rows.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it cannot be read, a column is missing, a text is no string or is empty,
                a label names no choice, an ``id`` occurs twice, or a row has a single choice; the
                message names file and line.
        """
        found = list(records(source, delimiter=self.delimiter, encoding=self.encoding))
        refuse_duplicates((place, values.get("id")) for place, values in found)
        rows = self._without_empty(str(source), [self._row(*record) for record in found])
        if not rows:
            raise ValueError(f"{source} holds no rows.")
        return _gathered(rows)

    def asked(self, questions: Iterable[Mapping[str, Any]]) -> ChoiceRows:
        """Rows without labels, of dicts with the columns that a file has.

        Raises:
            ValueError: as for ``read``, or a key is misspelt; the message names the number of the
                question.
        """
        unlabelled = (
            self._row(place_of(values, index), values, labelled=False)
            for index, values in enumerate(questions)
        )
        return _gathered(list(unlabelled))

    @property
    def _stated(self) -> dict[str, str]:
        names = {name: getattr(self, name) for name in Layout._fields}
        return {name: column for name, column in names.items() if column is not None}

    def _row(self, place: str, values: Mapping[str, Any], labelled: bool = True) -> _Row:
        layout = layout_of(place, values, self._stated, labelled=labelled)
        names, choices = choices_of(place, values, layout.choices)
        text, question = values[layout.text], values[layout.question] if layout.question else ""
        what = {layout.text: text, layout.question: question}
        what |= {f"choice {index}": choice for index, choice in enumerate(choices)}
        for name, value in what.items():
            if not isinstance(value, str):
                raise ValueError(f"{place}: {name} must be a string, received {value!r}.")
        if len(choices) < 2:
            raise ValueError(f"{place}: {len(choices)} choice(s); it takes two to choose.")
        if not any(choice.strip() for choice in choices):
            raise ValueError(f"{place}: all {len(choices)} choices are empty.")
        label = label_of(place, values[layout.label], names, len(choices)) if labelled else None
        if label is not None and not choices[label].strip():
            raise ValueError(f"{place}: the label {values[layout.label]!r} names an empty choice.")
        return _Row(place, text, question, choices, label)

    def _without_empty(self, source: str, rows: list[_Row]) -> list[_Row]:
        empty = [row for row in rows if row.is_empty]
        if not empty or self.empty_texts == "keep":
            return rows
        if self.empty_texts == "error":
            raise ValueError(
                f"{source}: {len(empty)} of {len(rows)} rows have an empty text or choice, the "
                f"first at {empty[0].place}. Fill them, or set empty_texts to 'drop' or 'keep'."
            )
        _log.warning("%s: dropped %d rows with an empty text or choice", source, len(empty))
        return [row for row in rows if not row.is_empty]


class _Row(NamedTuple):
    place: str
    text: str
    question: str
    choices: list[str]
    label: int | None

    @property
    def is_empty(self) -> bool:
        return not all(text.strip() for text in (self.text, *self.choices))


@dataclasses.dataclass(frozen=True)
class ChoiceRows:
    """Rows as read: N texts and questions, the choices for each, and the place of each row.

    Args:
        places: for error messages.
        texts: the first text of each row.
        questions: what its choices go on from; empty where nothing.
        choices: up to C strings for each row; an empty one is none.
        labels: index of the right choice; ``None`` to predict.
    """

    places: list[str]
    texts: list[str]
    questions: list[str]
    choices: list[list[str]]
    labels: list[int] | None

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, part: Part) -> ChoiceRows:
        columns = (getattr(self, field.name) for field in dataclasses.fields(self))
        return ChoiceRows(*(picked(column, part) for column in columns))

    @property
    def members(self) -> int:
        """C."""
        return max(map(len, self.choices), default=1)

    @property
    def exists(self) -> np.ndarray:
        """Which of C choices each row has, bool ``(N, C)``."""
        return np.array([[second != "" for second in row] for row in self.seconds], bool)

    @property
    def seconds(self) -> list[list[str]]:
        """What stands behind the text of each row, for each of C choices; empty for none."""
        count = self.members
        return [
            [
                _joined(question, choice) if choice.strip() else ""
                for choice in [*choices, *[""] * (count - len(choices))]
            ]
            for question, choices in zip(self.questions, self.choices, strict=True)
        ]

    def examples(self) -> Examples:
        """A pair for each choice that exists, without labels."""
        pairs = [
            (text, second)
            for text, seconds in zip(self.texts, self.seconds, strict=True)
            for second in seconds
            if second
        ]
        return Examples([text for text, _ in pairs], [second for _, second in pairs])

    def encoded_labels(self) -> dict[str, np.ndarray]:
        """Labels by output, int32 ``(N,)``; none where there are none."""
        return {} if self.labels is None else {"logits": np.array(self.labels, "int32")}


def _gathered(rows: Sequence[_Row]) -> ChoiceRows:
    labelled = all(row.label is not None for row in rows)
    return ChoiceRows(
        places=[row.place for row in rows],
        texts=[row.text for row in rows],
        questions=[row.question for row in rows],
        choices=[row.choices for row in rows],
        labels=[row.label for row in rows if row.label is not None] if labelled else None,
    )


def _joined(question: str, choice: str) -> str:
    if _BLANK.search(question):
        return _BLANK.sub(lambda _: choice, question, count=1)
    return f"{question} {choice}" if question else choice
