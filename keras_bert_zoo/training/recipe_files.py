"""Recipes from YAML files and the command line; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import difflib
import importlib.resources
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import jsonargparse
import yaml

from keras_bert_zoo.config import ConfigError

Recipe = TypeVar("Recipe")
# What values are and how they are written, by the type of a field.
_WRITTEN = {
    "int": ("a whole number", "3"),
    "float": ("a number", "0.1"),
    "bool": ("true or false", "true"),
    "list[int]": ("a list of whole numbers", "'[1, 2, 3]'"),
    "list[str]": ("a list of strings", '\'["first", "second"]\''),
    "dict[str, Any]": ("keys with values", "'{key: value}'"),
}
_WRONG = re.compile(r"Parser key \"(\w+)\":.*(?:Given|Got) value: (.*)", re.S)


def find_recipe(name: str, folder: str) -> pathlib.Path:
    """Path of a recipe: a file, or the short name of one that comes with the package.

    Raises:
        FileNotFoundError: neither exists; near names are suggested.
    """
    path = pathlib.Path(name)
    if path.is_file():
        return path
    known = {each.stem: each for each in packaged_recipes(folder)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(path.stem, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise FileNotFoundError(
        f"There is no recipe file {name!r}, and no recipe of that name in the package: "
        f"{sorted(known)}.{hint}"
    )


def packaged_recipes(folder: str) -> list[pathlib.Path]:
    """The recipes of one walk, e.g. ``"finetune"``, that come with the package."""
    root = pathlib.Path(str(importlib.resources.files("keras_bert_zoo.configs")))
    return sorted((root / folder).glob("*.yaml"))


def parse_recipe(
    recipe_class: type[Recipe], arguments: Sequence[str], folder: str, program: str
) -> Recipe:
    """Reads ``[RECIPE] [--key value …]``: a file, then what the command line changes.

    ``--help`` and ``--print_config`` print and exit.

    Raises:
        FileNotFoundError: there is no such recipe.
        ConfigError: a key is unknown (the near one is suggested) or missing, a value has
            the wrong type or is out of range.
    """
    fields = dataclasses.fields(recipe_class)  # type: ignore[arg-type]
    keys = {field.name for field in fields}
    switches = {field.name for field in fields if str(field.type).startswith("bool")}
    words = _spelled_out(arguments, switches)
    flags = [word[2:].split("=")[0] for word in words if word.startswith("--")]
    _check_keys([flag.rstrip("+") for flag in flags], keys | {"help", "print_config"}, "argument")
    name, words = _recipe_of(words)
    if name is not None:
        path = find_recipe(name, folder)
        _check_keys(_keys_of(path), keys, f"key in {path}")
        # In front, so that what else is written changes the file.
        words = [f"--config={path}", *words]
    parser = jsonargparse.ArgumentParser(prog=program, exit_on_error=False)
    parser.add_argument("--config", action="config", help="Instead of RECIPE: path of a YAML file.")
    parser.add_class_arguments(recipe_class, as_group=False)
    try:
        values = parser.parse_args(words)
    except jsonargparse.ArgumentError as error:
        kinds = {field.name: str(field.type).partition(" |")[0] for field in fields}
        raise ConfigError(_wanted(str(error), kinds) or str(error)) from error
    del values["config"]
    return recipe_class(**values.as_dict())


def _wanted(complaint: str, kinds: Mapping[str, str]) -> str | None:
    """What to say of a value of another type."""
    found = _WRONG.search(complaint)
    if found is None or kinds.get(found[1]) not in _WRITTEN:
        return None
    name, value = found.groups()
    meaning, example = _WRITTEN[kinds[name]]
    return f"{name} must be {meaning}, e.g. --{name} {example}, received {value.strip()}"


def _recipe_of(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The one recipe that is named, first or with ``--config``, and the other words."""
    names, others = [], []
    rest = iter(words)
    for index, word in enumerate(rest):
        if word == "--config":
            names.append(next(rest, ""))
        elif word.startswith("--config="):
            names.append(word.removeprefix("--config="))
        elif index == 0 and not word.startswith("-"):
            names.append(word)
        else:
            others.append(word)
    if len(names) > 1:
        raise ConfigError(f"Give one recipe, as RECIPE or with --config. Received {names}.")
    return (names[0] if names else None), others


def _spelled_out(words: Sequence[str], switches: set[str]) -> list[str]:
    """Lets ``--resume`` alone mean ``--resume=true``."""
    follows = [*words[1:], "--"]
    alone = {f"--{switch}" for switch in switches}
    return [
        f"{word}=true" if word in alone and after.startswith("--") else word
        # Without words there is one more that follows.
        for word, after in zip(words, follows, strict=False)
    ]


def _keys_of(path: pathlib.Path) -> Iterable[str]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        what = "nothing" if values is None else f"a {type(values).__name__}"
        raise ConfigError(f"{path} must hold keys and values, e.g. 'epochs: 3', and holds {what}.")
    return [str(key) for key in values]


def _check_keys(given: Iterable[str], known: Iterable[str], what: str) -> None:
    for key in given:
        if key not in known and key != "config":
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known are {sorted(known)}."
            raise ConfigError(f"Unknown {what}: {key!r}.{hint}")
