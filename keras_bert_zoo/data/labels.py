"""Labels as files hold them, and as losses want them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

SEPARATOR = "|"
_NUMBER = re.compile(r"[+-]?\d+")


def label_names(
    values: Sequence[Any], problem_type: str, where: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Class names found in a column of labels, sorted (numbers by value).

    Args:
        values: strings or integers; for multi-label lists or ``"a|b"``; for regression
            numbers or lists of numbers.
        problem_type: one of ``config.PROBLEM_TYPES``.
        where: place of each label, see ``encode_labels``.

    Returns:
        One name per output of the model. A regression has ``("score",)``, or
        ``score_0``, ``score_1``, … where each row holds several numbers.

    Raises:
        ValueError: a label is something else.
    """
    if problem_type == "regression":
        width = max(map(len, _each(_parts, values, where)), default=1)
        return ("score",) if width == 1 else tuple(f"score_{i}" for i in range(width))
    if problem_type == "multi_label_classification":
        found = {part for parts in _each(_parts, values, where) for part in parts}
    else:
        # A cell without a label is refused when labels are encoded.
        found = {*_each(_name, values, where)} - {""}
    if all(name.isdecimal() for name in found):
        return tuple(sorted(found, key=int))
    return tuple(sorted(found))


def encode_labels(
    values: Sequence[Any],
    problem_type: str,
    names: Sequence[str],
    where: Sequence[str] | None = None,
) -> np.ndarray:
    """Encodes labels for the loss of ``problem_type``.

    A label is a name out of ``names``, or else an index into it.

    Args:
        values: N labels, see ``label_names``.
        problem_type: one of ``config.PROBLEM_TYPES``.
        names: class names in the order of their index.
        where: place of each label for error messages, e.g. ``"train.csv, line 7"``.

    Returns:
        int32 ``(N,)`` for one class; float32 ``(N, classes)`` of 0 and 1 for multi-label;
        float32 ``(N,)`` for a regression of one number, ``(N, numbers)`` for more.

    Raises:
        ValueError: a label is unknown, out of range or no finite number.
    """
    encode = ENCODERS[problem_type]
    rows = _each(lambda value: encode(value, tuple(names)), values, where)
    dtype = "int32" if problem_type == "single_label_classification" else "float32"
    return np.array(rows, dtype)


def _each(
    function: Callable[[Any], Any], values: Sequence[Any], where: Sequence[str] | None
) -> list[Any]:
    """The results for all values; an error is that of a place."""
    places = where or [f"labels[{index}]" for index in range(len(values))]
    results = []
    for value, place in zip(values, places, strict=True):
        try:
            results.append(function(value))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
    return results


def _class_index(value: Any, names: tuple[str, ...]) -> int:
    name = _name(value)
    if name in names:
        return names.index(name)
    # Where names are numbers themselves, a number that is none of them is no index.
    indexed = not any(_NUMBER.fullmatch(known) for known in names)
    if indexed and name.isdecimal() and int(name) < len(names):
        return int(name)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    indices = f" and the indices 0 to {len(names) - 1}" if indexed else ""
    what = f"unknown label {value!r}" if name else "the label is empty"
    raise ValueError(f"{what}. Known are {list(names)}{indices}.{hint}")


def _multi_hot(value: Any, names: tuple[str, ...]) -> np.ndarray:
    row = np.zeros(len(names), "float32")
    for part in _parts(value):
        row[_class_index(part, names)] = 1.0
    return row


def _numbers(value: Any, names: tuple[str, ...]) -> float | list[float]:
    try:
        numbers = [float(part) for part in _parts(value)]
    except ValueError as error:
        raise ValueError(f"a regression label must be a number, received {value!r}") from error
    largest = float(np.finfo("float32").max)
    if len(numbers) != len(names) or not all(abs(number) <= largest for number in numbers):
        raise ValueError(f"expected {len(names)} finite number(s), received {value!r}")
    return numbers[0] if len(names) == 1 else numbers


ENCODERS: dict[str, Callable[[Any, tuple[str, ...]], Any]] = {
    "single_label_classification": _class_index,
    "multi_label_classification": _multi_hot,
    "regression": _numbers,
}


def _parts(value: Any) -> list[str]:
    """The members of a list, of ``"a|b"``, or of a single value; none of an empty string."""
    if isinstance(value, list | tuple | np.ndarray):
        return [str(part).strip() if _is_label(part) else _refuse(part) for part in value]
    return [part.strip() for part in str(value).split(SEPARATOR) if part.strip()]


def _name(value: Any) -> str:
    if isinstance(value, list | tuple):
        raise ValueError(
            f"a label must be a class name or index, received the list {value!r}. Several labels "
            "for a text are problem_type: multi_label_classification."
        )
    if not _is_label(value) or isinstance(value, float | np.floating):
        _refuse(value)
    return str(value).strip()


def _is_label(value: Any) -> bool:
    kinds = str | int | float | np.integer | np.floating
    return isinstance(value, kinds) and not isinstance(value, bool)


def _refuse(value: Any) -> NoReturn:
    raise ValueError(f"a label must be a class name or index, received {value!r}")
