"""Unicode as the reference knows it; see ``scripts/build_unigram_tables.py``."""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np


@functools.cache
def replacements(name: str) -> dict[int, str]:
    """Code points to what takes their place: ``lower``, ``nfd`` or ``nfkd``."""
    points = np.cumsum(_array(f"{name}_steps")).tolist()
    return dict(zip(points, (text.decode() for text in _array(f"{name}_texts")), strict=True))


@functools.cache
def numbers(name: str) -> np.ndarray:
    """A number for each of the ``0x110000`` code points.

    Args:
        name: ``left``, ``right`` or ``context``, bits of ``graphemes``; ``mark``, whether
            it is a combining mark; ``order``, the rank of its canonical combining class.
    """
    return np.repeat(_array(f"{name}_values"), _array(f"{name}_lengths"))


@functools.cache
def compositions() -> dict[tuple[int, int], int]:
    """Pairs of code points to the one that composes them."""
    return {(first, second): point for first, second, point in _array("compositions").tolist()}


def _array(name: str) -> np.ndarray:
    resource = importlib.resources.files(__package__).joinpath("unicode.npz")
    with resource.open("rb") as file, np.load(file) as tables:
        return tables[name]
