"""Arrays in pages of their own, which go back to the system. Loads no Keras."""

from __future__ import annotations

import ctypes
import math
import mmap
from typing import Any

import numpy as np

_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


def empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array, of zeros, that a tensor can take over, see ``memory.tensor_of``.

    It has pages of its own, which the system gets back as soon as the array goes.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    pages = mmap.mmap(-1, max(1, size), **_PRIVATE)
    return np.frombuffer(pages, dtype, math.prod(shape)).reshape(shape)


def copied(values: Any, dtype: Any = None) -> np.ndarray:
    """A copy that a tensor can take over, by default of the same type."""
    copy = empty(values.shape, dtype or values.dtype)
    copy[...] = values
    return copy


def trim() -> None:
    """Gives freed memory back to the system, of which the C library keeps some."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if malloc_trim is not None:
        malloc_trim(0)
