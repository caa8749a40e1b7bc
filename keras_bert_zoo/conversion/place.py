"""Where something is written, and what became of it."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


@dataclasses.dataclass(frozen=True)
class Place:
    """Where and how something is written.

    Args:
        directory: which exists, and is empty.
        title: what it will be called.
        dtype: what to round tensors to; ``None`` keeps their types.
        done: is told the size of each tensor that was read, in bytes.
    """

    directory: pathlib.Path
    title: str
    dtype: np.dtype | None = None
    done: Callable[[int], Any] = lambda size: None


class Written(NamedTuple):
    """A tensor of the target."""

    name: str
    dtype: str
