"""Rooms import only what docs/architecture.md lets them."""

from __future__ import annotations

import ast
import functools
import pathlib
import re
import tomllib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = "keras_bert_zoo"
# Folders that are installed as rooms of the package, though they lie at the top.
SOURCES = {PACKAGE: ROOT / PACKAGE, f"{PACKAGE}.export": ROOT / "export"}

# Who may import whom. Each room may also import what its own imports may.
ARROWS: dict[str, set[str]] = {
    "rules": set(),
    "families": {"rules"},
    "foreign": set(),
    "config": {"rules", "families", "foreign"},
    "atomic": set(),
    "identity": set(),
    "token_rows": set(),
    "startup": set(),
    "generator_config": {"config"},
    "layers": {"config"},
    "models": {"layers", "generator_config"},
    "generation": {"models", "token_rows"},
    "tokenizers": {"foreign"},
    "checkpoints": {"models", "atomic"},
    "zoo": {"checkpoints"},
    "bundle": {"zoo", "tokenizers"},
    "conversion": {"bundle"},
    "corpus": {"tokenizers", "atomic", "identity"},
    "data": {"config", "corpus"},
    "evaluation": {"data"},
    "tasks": {"bundle", "evaluation", "generation"},
    "training": {"tasks"},
    "export": {"tasks", "startup"},
    "commands": {"training", "export", "configs", "conversion"},
    "cli": {"commands"},
    "configs": set(),
    "__main__": {"cli"},
}
# These run on every backend of Keras.
BACKEND_FREE = {"rules", "families", "foreign", "config", "generator_config", "layers", "models"}
BACKENDS = {"tensorflow", "tensorflow_text", "torch", "jax", "keras_hub"}


@functools.cache
def allowed(room: str) -> frozenset[str]:
    reached = {room, *ARROWS[room]}
    for target in ARROWS[room]:
        reached |= allowed(target)
    return frozenset(reached)


def modules() -> Iterator[tuple[str, pathlib.Path]]:
    for prefix, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join((prefix, *parts)).removesuffix(".__init__"), path


MODULES = dict(modules())


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(module: str) -> Iterator[str]:
    """Every module that one imports, at the top or in a function, relative names resolved."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            source = ".".join(name for name in (base, node.module) if name)
            # `from package import room` names a module too.
            yield from (f"{source}.{alias.name}" for alias in node.names)


def test_every_package_is_in_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {
        ".".join((prefix, *path.parent.relative_to(folder).parts))
        for prefix, folder in {**SOURCES, f"{PACKAGE}.configs": ROOT / "configs"}.items()
        for path in folder.rglob("__init__.py")
    }
    assert set(listed["packages"]) == folders


def test_every_room_is_in_the_table() -> None:
    assert {room_of(module) for module in MODULES} - {""} <= set(ARROWS)


def test_the_table_has_no_circle() -> None:
    for room in ARROWS:
        assert not any(room in allowed(target) for target in ARROWS[room]), room


@pytest.mark.parametrize("module", MODULES)
def test_no_arrow_runs_back(module: str) -> None:
    room = room_of(module)
    targets = {room_of(name) for name in imports(module) if name.startswith(f"{PACKAGE}.")}
    # The package itself imports nothing of its own: it is loaded before every room.
    permitted = allowed(room) if room else frozenset()
    assert targets & set(ARROWS) <= permitted, f"{module} imports {sorted(targets)}"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) in BACKEND_FREE])
def test_no_backend_in_the_rooms_that_run_on_all(module: str) -> None:
    names = set(imports(module))
    assert not {name.split(".")[0] for name in names} & BACKENDS
    assert not [name for name in names if name.startswith("keras.src")]


def test_the_reader_of_imports_sees_all_kinds() -> None:
    # Were absolute or relative imports read wrongly, every arrow would pass unseen.
    found = set(imports(f"{PACKAGE}.bundle.loading"))
    assert f"{PACKAGE}.config.EncoderConfig" in found
    relative = [module for module in MODULES if room_of(module) == "export"]
    assert any(name.startswith(f"{PACKAGE}.export.") for m in relative for name in imports(m))


def test_the_page_names_every_room_and_this_test() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert "tests/test_architecture.py" in page
    for room in ARROWS.keys() - {"__main__"}:
        assert f"`{room}.py`" in page or f"`{room}/`" in page, room


def test_the_picture_shows_these_arrows() -> None:
    picture = (ROOT / "docs/architecture.svg").read_text(encoding="utf-8")
    drawn = set(re.findall(r"<title>(\w+) imports (\w+)</title>", picture))
    table = {(room, target) for room, targets in ARROWS.items() for target in targets}
    assert drawn == table, "run scripts/draw_architecture.py"
