"""Some rows of what holds a value for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Part = slice | Sequence[int] | np.ndarray


def picked(column: Any, part: Part) -> Any:
    """Rows of a list, tuple or array, or of examples made of such columns; ``None`` has none.

    Args:
        column: N values.
        part: a slice, or indices in the order wanted.
    """
    if column is None:
        return None
    if isinstance(column, list | tuple) and not isinstance(part, slice):
        return type(column)(column[index] for index in part)
    return column[part]
