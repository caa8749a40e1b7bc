"""What the values of a config or of options must be, in words and as tests."""

from __future__ import annotations

import difflib
import reprlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """What one value must be.

    Args:
        meaning: in words, behind "must be".
        holds: whether a value, of whatever type, is that.
        choices: the valid names, where there are such.
    """

    meaning: str
    holds: Callable[[Any], bool]
    choices: tuple[str, ...] = ()


def problems_of(owner: Any, rules: Mapping[str, Rule]) -> list[str]:
    """A sentence for each attribute that breaks its rule."""
    values = {name: getattr(owner, name) for name in rules}
    return [
        f"{name} must be {rule.meaning}, received {reprlib.repr(values[name])}"
        + _near(values[name], rule.choices)
        for name, rule in rules.items()
        if not rule.holds(values[name])
    ]


def check_options(options: Any, rules: Mapping[str, Rule]) -> None:
    """Refuses options that break a rule.

    Raises:
        ValueError: values are wrong; all are named.
    """
    problems = problems_of(options, rules)
    if problems:
        raise ValueError("options: " + "; ".join(problems))


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number; ``True`` is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; ``True`` is none."""
    # Integers may be larger than any float; of a NaN no comparison holds.
    numeric = is_integer(value) or isinstance(value, float)
    return numeric and abs(value) <= sys.float_info.max


SWITCH = Rule("true or false", lambda value: isinstance(value, bool))
TEXT = Rule("a string", lambda value: isinstance(value, str))
INTEGER = Rule("an integer", is_integer)
NUMBER = Rule("a number", is_number)
POSITIVE = Rule("a positive number", lambda value: is_number(value) and value > 0)
NOT_NEGATIVE = Rule("a number of at least 0", lambda value: is_number(value) and value >= 0)
PART = Rule("a number in [0, 1)", lambda value: is_number(value) and 0 <= value < 1)
SHARE = Rule("a number in [0, 1]", lambda value: is_number(value) and 0 <= value <= 1)


def size(limit: int) -> Rule:
    """An integer from 1 to a limit."""
    return Rule(f"an integer from 1 to {limit}", lambda x: is_integer(x) and 0 < x <= limit)


def at_most(limit: int) -> Rule:
    """An integer from 0 to a limit."""
    return Rule(f"an integer from 0 to {limit}", lambda x: is_integer(x) and 0 <= x <= limit)


def at_least(least: int) -> Rule:
    """An integer from there on."""
    return Rule(f"an integer of at least {least}", lambda x: is_integer(x) and x >= least)


def choice(*valid: str) -> Rule:
    """One of some names."""
    meaning = f"one of {valid}" if len(valid) > 1 else repr(*valid)
    return Rule(meaning, lambda x: isinstance(x, str) and x in valid, valid)


def only(value: bool | float) -> Rule:
    """That value alone."""
    return Rule(repr(value), lambda x: isinstance(x, bool | int | float) and x == value)


def list_of(rule: Rule) -> Rule:
    """Several values of one kind."""
    return Rule(
        f"a list, each of it {rule.meaning}",
        lambda value: isinstance(value, list | tuple) and all(map(rule.holds, value)),
    )


def either(first: Rule, second: Rule) -> Rule:
    """What one of two rules allows."""
    return Rule(
        f"{first.meaning}, or {second.meaning}",
        lambda value: first.holds(value) or second.holds(value),
        first.choices + second.choices,
    )


def or_none(rule: Rule) -> Rule:
    """``None`` too, of which the rule itself need not know."""
    meaning = f"{rule.meaning}, or None"
    return Rule(meaning, lambda value: value is None or rule.holds(value), rule.choices)


def _near(value: Any, choices: tuple[str, ...]) -> str:
    # Looking for what is near a long text takes many times its size.
    short = isinstance(value, str) and len(value) <= 2 * max(map(len, choices), default=0)
    near = difflib.get_close_matches(value, choices, n=1) if short else []
    return f" (did you mean {near[0]!r}?)" if near else ""
