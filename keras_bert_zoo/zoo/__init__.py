"""Published checkpoints by short name, and what a user wants to choose them by."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Callable, Collection

from keras_bert_zoo.zoo.checkpoint import TASKS, Checkpoint, Paper
from keras_bert_zoo.zoo.table import CHECKPOINTS

__all__ = ["CHECKPOINTS", "TASKS", "Checkpoint", "Paper", "find", "resolve", "select"]


def resolve(source: str | pathlib.Path) -> str | pathlib.Path:
    """Returns the source behind a short name; anything that is no name as it is.

    An existing directory wins over a short name that reads the same.

    Raises:
        ValueError: a plain name that is neither a short name nor a directory.
    """
    checkpoint = find(source)
    return checkpoint.source if checkpoint else source


def find(source: str | pathlib.Path) -> Checkpoint | None:
    """Returns the row of a short name, and ``None`` for what ``resolve`` leaves as it is.

    Raises:
        ValueError: a plain name that is neither a short name nor in the working directory.
    """
    name = str(source)
    # An empty path is the working directory, an empty name a variable that was not set.
    if isinstance(source, pathlib.Path) or "/" in name or (name and pathlib.Path(name).is_dir()):
        return None
    if name in CHECKPOINTS:
        return CHECKPOINTS[name]
    if pathlib.Path(name).is_file():
        return None  # refused where it is read, which says what to do
    part = [each for each in CHECKPOINTS if name and name.lower() in each]
    near = difflib.get_close_matches(name, CHECKPOINTS, n=3) or part[:3]
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ValueError(
        f"source must be a directory, hf://org/name, package://name/folder or a name that "
        f"`keras-bert-zoo list` shows, received {name!r}, and there is no such directory.{hint}"
    )


# What the rows can be chosen by, beside their size.
_FACTS: dict[str, Callable[[Checkpoint], Collection[str]]] = {
    "task": lambda row: (row.task,),
    "language": lambda row: row.tags,
    "licence": lambda row: (row.licence,),
    "architecture": lambda row: (row.architecture,),
}


def select(
    *,
    task: str | None = None,
    language: str | None = None,
    max_params: int | None = None,
    licence: str | None = None,
    architecture: str | None = None,
) -> list[Checkpoint]:
    """Returns the checkpoints that are all that is asked for, in the order of the table.

    Upper and lower case are the same.

    Args:
        task: one of ``TASKS``.
        language: BCP 47 tag; ``zh`` is where ``zh-Hans`` is.
        max_params: most weights the encoder may have.
        licence: SPDX identifier.
        architecture: ``model_type``.

    Raises:
        ValueError: no row of the table has that task, language, licence or architecture.
    """
    choices = {
        "task": task,
        "language": language,
        "licence": licence,
        "architecture": architecture,
    }
    asked = {name: _known(name, value) for name, value in choices.items() if value is not None}
    return [
        row
        for row in CHECKPOINTS.values()
        if all(value in _FACTS[name](row) for name, value in asked.items())
        and (max_params is None or row.parameters <= max_params)
    ]


# What is too many to be named.
_WANTED = {"language": "a tag of BCP 47 such as 'en', 'de' or 'zh' (list --json has all there are)"}


def _known(name: str, value: str) -> str:
    """A fact as the table spells it."""
    valid = sorted({fact for row in CHECKPOINTS.values() for fact in _FACTS[name](row)})
    spelled = {fact.lower(): fact for fact in valid}
    if value.lower() not in spelled:
        near = difflib.get_close_matches(value.lower(), spelled, n=1)
        hint = f" Did you mean {spelled[near[0]]!r}?" if near else ""
        wanted = _WANTED.get(name, f"one of {valid}")
        raise ValueError(f"{name} must be {wanted}, received {value!r}.{hint}")
    return spelled[value.lower()]
