"""Text and JSON files of a tokenizer."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo import foreign
from keras_bert_zoo.tokenizers.options import TokenizerError


def read_lines(path: pathlib.Path) -> list[str]:
    """The lines of a text file.

    Raises:
        TokenizerError: see ``foreign.read_text``.
    """
    # Text mode cuts at line feeds alone; str.splitlines would cut at U+2028 as well.
    lines = foreign.read_text(path, TokenizerError).split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def read_optional(path: pathlib.Path) -> dict[str, Any]:
    """A JSON object, empty where there is no file."""
    return read_json(path) if path.is_file() else {}


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        TokenizerError: see ``foreign.read_json``.
    """
    content: dict[str, Any] = foreign.read_json(path, TokenizerError)
    return content


def part_of(content: Mapping[str, Any], name: str, expected: str, title: str) -> dict[str, Any]:
    """A part of ``tokenizer.json`` that must be of one type.

    Raises:
        TokenizerError: it is missing or of another type.
    """
    part = content.get(name)
    kind = part.get("type") if isinstance(part, dict) else part
    if not isinstance(part, dict) or kind != expected:
        raise TokenizerError(
            f"not a {title} tokenizer: {name} is {kind or 'missing'}, expected {expected}"
        )
    return part


def in_order(ids: Any, name: str) -> list[str]:
    """The tokens of a vocabulary in the order of their ids.

    Raises:
        TokenizerError: the ids are not 0, 1, 2, …
    """
    if not isinstance(ids, dict) or sorted(ids.values()) != list(range(len(ids))):
        raise TokenizerError(f"{name} must map tokens to the ids 0, 1, 2, ... without gaps")
    return sorted(ids, key=ids.__getitem__)


def as_json(content: Mapping[str, Any]) -> str:
    """Text of a JSON file."""
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)
