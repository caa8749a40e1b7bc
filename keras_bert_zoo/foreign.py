"""What files of others say: text and JSON read within bounds, names that stay in a directory.

Loads nothing beside the standard library.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

# The tokenizer.json of 250,000 tokens takes 17 MB; parsed JSON takes up to 30 times as much.
LARGEST = 64 * 2**20
# Python itself gives up at some thousand levels, sooner where it is called from far down.
_DEEPEST = 64
# The longest name that Linux and macOS take.
_LONGEST_NAME = 255
_KINDS: dict[type, str] = {dict: "object", list: "array"}


def read_text(path: pathlib.Path, error: Callable[[str], Exception]) -> str:
    """Returns the content of a file, its line ends as line feeds.

    Args:
        path: of the file; a symbolic link is followed.
        error: makes what is raised, of the reason.

    Raises:
        FileNotFoundError: there is no regular file; a pipe would be waited for.
        Exception: of ``error``: it is larger than ``LARGEST``, or not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, or is no file.")
    size = path.stat().st_size
    if size > LARGEST:
        raise error(f"{path} has {size:,} bytes; at most {LARGEST:,} are read")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise error(f"{path} is not UTF-8 text: {problem}") from problem


def read_json(path: pathlib.Path, error: Callable[[str], Exception], kind: type = dict) -> Any:
    """Returns the content of a JSON file.

    Args:
        path: of the file.
        error: makes what is raised, of the reason.
        kind: ``dict`` or ``list``, what the file must hold.

    Raises:
        FileNotFoundError: see ``read_text``.
        Exception: of ``error``: see ``read_text``; it is no JSON, nested too deeply, holds
            strings that are no text, or is of another kind.
    """
    text = read_text(path, error)
    try:
        values = json.loads(text)
        _check(values)
    except (ValueError, RecursionError) as problem:
        raise error(f"{path} is not valid JSON: {problem}") from problem
    if not isinstance(values, kind):
        found = type(values).__name__
        raise error(f"{path} must hold a JSON {_KINDS[kind]}, received {found}")
    return values


def _check(values: Any) -> None:
    """Refuses what can be read but not written again: half characters, and deep nesting."""
    waiting = [(values, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, dict):
            waiting += [(each, depth + 1) for item in value.items() for each in item]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]


def is_inside(name: object) -> bool:
    """Whether a name that a file states can only be one in the directory of that file."""
    if not isinstance(name, str) or "\0" in name:
        return False
    path, length = pathlib.PurePosixPath(name), len(name.encode(errors="replace"))
    return length <= _LONGEST_NAME and not path.is_absolute() and ".." not in path.parts
