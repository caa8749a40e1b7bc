"""The weights of an ONNX file while it is made: known by shape, read one at a time."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Weight:
    """An initializer that is not in memory yet.

    Args:
        shape: of the array.
        dtype: of the array, as NumPy names it.
        read: makes the array; called when it is written, and perhaps before that.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]

    @property
    def nbytes(self) -> int:
        """What it takes in the file."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def map(self, function: Callable[[np.ndarray], np.ndarray], dtype: str) -> Weight:
        """The same shape with other values: ``function`` of what is read."""
        return Weight(self.shape, dtype, lambda: function(self.read()))


Weights = dict[str, Weight]


def of_model(variables: Iterable[Any]) -> Weights:
    """The weights of a Keras model by their paths; a shared one is there once."""
    return {v.path: Weight(tuple(v.shape), v.dtype, functools.partial(_view, v)) for v in variables}


def _view(variable: Any) -> np.ndarray:
    """The values where TensorFlow holds them; ``numpy()`` would copy them twice."""
    return np.asarray(memoryview(variable.value.read_value()))


def of_array(array: np.ndarray) -> Weight:
    """A weight whose values are known already."""
    return Weight(array.shape, array.dtype.name, lambda: array)
