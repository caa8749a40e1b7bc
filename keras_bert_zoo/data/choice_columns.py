"""Which columns of a row hold a text, its choices and the right one, as data sets name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras_bert_zoo.data.records import unpacked
from keras_bert_zoo.data.spelling import spelling_hint


class Layout(NamedTuple):
    """Which columns hold what.

    Args:
        text: the first text of each pair.
        choices: a column with a list, or what the names of numbered columns begin with.
        label: the right choice.
        question: what each choice goes on from, if there is such a column.
    """

    text: str
    choices: str
    label: str
    question: str | None = None


# The first of which a row has the text, the choices and the label is that of its file.
LAYOUTS: dict[str, Layout] = {
    "RACE": Layout("article", "options", "answer", "question"),
    "SWAG": Layout("sent1", "ending", "label", "sent2"),
    "HellaSwag": Layout("ctx", "endings", "label"),
    "a text and its choices": Layout("text", "choices", "label", "question"),
    "a text and its endings": Layout("text", "ending", "label", "question"),
    "ARC and CommonsenseQA": Layout("question", "choices", "answerKey"),
}


def layout_of(
    place: str, values: Mapping[str, Any], stated: Mapping[str, str], *, labelled: bool
) -> Layout:
    """The first of ``LAYOUTS`` that a row has the columns of.

    Args:
        place: for error messages.
        values: the row, by column.
        stated: fields of ``Layout`` that are not to be found but given.
        labelled: whether the row is of a file, and has a label.

    Raises:
        ValueError: the row has none of them, or a question has a misspelt key.
    """
    for known in LAYOUTS.values():
        layout = known._replace(**stated)
        # That of a layout may be missing, one that was asked for may not.
        if "question" not in stated and known.question not in values:
            layout = layout._replace(question=None)
        needed = {layout.text, layout.question or layout.text}
        needed |= {layout.label} if labelled else set()
        if not needed <= values.keys() or not _columns(values, layout.choices):
            continue
        # A file may have other columns; what is asked by hand is meant to be read.
        unread = known.question if layout.question is None else None
        if not labelled and unread and (hint := spelling_hint(values, [unread])):
            raise ValueError(f"{place} has the keys {list(values)}.{hint}")
        return layout._replace(question=None) if layout.question == layout.text else layout
    parts = ["a text", "choices", *(["a label"] if labelled else [])]
    raise ValueError(
        f"{place}: no columns of {', '.join(parts)}. The columns are {list(values)}; say which "
        "to take with text_column, pair_column (the question), label_column and "
        f"options.choices.{_hint(values)}"
    )


def _columns(values: Mapping[str, Any], name: str) -> list[str]:
    """The column of that name, or the numbered ones that begin with it, in order."""
    if name in values:
        return [name]
    numbered = {
        int(key.removeprefix(name)): key
        for key in values
        if key.startswith(name) and key.removeprefix(name).isdecimal()
    }
    return [numbered[number] for number in sorted(numbered)]


def choices_of(place: str, values: Mapping[str, Any], name: str) -> tuple[list[str], list[Any]]:
    """The names that choices carry, if any, and the choices.

    Raises:
        ValueError: the column holds no list, or numbered ones have a gap.
    """
    columns = _columns(values, name)
    if columns != [name]:
        _refuse_gaps(place, name, columns)
        return [], _filled([values[column] for column in columns])
    found = unpacked(values[name])
    if isinstance(found, dict) and isinstance(found.get("text"), list):
        names, choices = [str(each) for each in found.get("label") or []], list(found["text"])
        if names and (len(names) != len(choices) or len(set(names)) != len(names)):
            raise ValueError(
                f"{place}: {name!r} has {len(choices)} texts and the labels {names}: there must be "
                "one for each, all different."
            )
        return names, choices
    if not isinstance(found, list | tuple):
        raise ValueError(
            f"{place}: {name!r} must be a list of strings, in a CSV as JSON, or "
            f'{{"text": […], "label": […]}}, received {values[name]!r}.'
        )
    return [], list(found)


def _filled(choices: list[Any]) -> list[Any]:
    """Without the empty ones at the end: a table has columns for the most choices of a row."""
    count = len(choices)
    while count and isinstance(choices[count - 1], str) and not choices[count - 1].strip():
        count -= 1
    return choices[:count]


def _refuse_gaps(place: str, name: str, columns: Sequence[str]) -> None:
    """The right choice is named by its place: one that is left out would move it."""
    numbers = [int(column.removeprefix(name)) for column in columns]
    missing = [f"{name}{n}" for n in range(min(numbers[0], 1), numbers[-1]) if n not in numbers]
    if missing:
        raise ValueError(
            f"{place}: the choices are {list(columns)}, without {missing}. Number them from 0 or "
            "1 without a gap."
        )


def _hint(values: Mapping[str, Any]) -> str:
    """Numbered choices are not told from misspelt ones otherwise."""
    names = {name for layout in LAYOUTS.values() for name in layout if name}
    single = [key for key in values if key in names or key.rstrip("0123456789") not in names]
    return spelling_hint(single, sorted(names))


def label_of(place: str, given: Any, names: Sequence[str], count: int) -> int:
    """The index of the right choice.

    Args:
        place: for error messages.
        given: an index from 0, a letter, or one of the names.
        names: that choices carry; empty where they have none.
        count: of the choices.

    Raises:
        ValueError: it names none.
    """
    # Choices with names are not counted: ARC numbers some of them from 1.
    letters = [chr(ord("A") + index) for index in range(count)]
    kinds = (
        [names] if names else [[str(i) for i in range(count)], letters, "".join(letters).lower()]
    )
    places = {name: index for kind in kinds for index, name in enumerate(kind)}
    label = places.get(str(given).strip())
    if label is None:
        valid = ", ".join(names) or f"0 to {count - 1}, or A to {letters[-1]}"
        raise ValueError(
            f"{place}: the label {given!r} names none of the {count} choices; valid are {valid}."
        )
    return label
