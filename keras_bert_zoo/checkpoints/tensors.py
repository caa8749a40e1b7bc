"""Tensors of checkpoints: shape and type now, values when asked."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import reprlib
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from keras_bert_zoo.checkpoints.pages import empty


class CheckpointError(ValueError):
    """A checkpoint that is damaged, refused, or does not fit the model."""


# By the name of the safetensors format. Files are little-endian.
DTYPES: dict[str, Any] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
# The longest description of tensors that is read. That of a BERT-large takes 60 kB.
LONGEST_DESCRIPTION = 8 * 2**20
# What often lies in place of a file, by how it begins, and how much of it shows that.
BEGINNING = 64
_NO_WEIGHTS = {
    b"version https://git-lfs": "it is a pointer of Git LFS; `git lfs pull` fetches what it is for",
    b"<": "it is a web page; the address must be that of the file itself, and may ask for a login",
}
# What NumPy can hold, in axes and in bytes; an axis of size 0 does not make others smaller.
MOST_AXES = 64
_MOST_BYTES = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class StoredTensor:
    """Where the values of one tensor lie in a file.

    Values are read with plain reads rather than through a memory map: mapped pages count as
    the process's own memory, and a checkpoint would weigh twice while it is loaded.

    Args:
        path: the file.
        offset: of the first element, in bytes.
        dtype: type of the elements as stored.
        shape: sizes of the axes.
        strides: elements from one index of an axis to the next; row-major by default.

    Raises:
        CheckpointError: no array can have that shape.
    """

    path: pathlib.Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        """Refuses shapes that would only fail when they are read."""
        axes = len(self.shape)
        if axes > MOST_AXES or math.prod(filter(None, self.shape)) > _MOST_BYTES // self._width:
            raise CheckpointError(
                f"{self.path} describes a tensor of {axes} axes, {reprlib.repr(self.shape)}: no "
                "array can have that shape."
            )

    @property
    def _width(self) -> int:
        return self.dtype.itemsize

    @property
    def size(self) -> int:
        """Bytes of all elements, each as often as it is used."""
        return math.prod(self.shape) * self._width

    @property
    def end(self) -> int:
        """Where in the file the byte behind the last element lies."""
        return self.offset + self.span * self._width

    @property
    def span(self) -> int:
        """Elements from the first to the last, both included."""
        if math.prod(self.shape) == 0:
            return 0
        if self.strides is None:
            return math.prod(self.shape)
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    def read(self) -> np.ndarray:
        """Returns the values, in a fresh array of the stored type; a tensor can take it over.

        Raises:
            CheckpointError: the file ends before the tensor does.
        """
        values = empty((self.span,), self.dtype)
        with self.path.open("rb") as file:
            file.seek(self.offset)
            size = file.readinto(values.view(np.uint8).data)
        if size != values.nbytes:
            raise CheckpointError(
                f"{self.path} is truncated: {self.span} elements of {self.dtype} should start "
                f"at byte {self.offset}, {size // self._width} do."
            )
        if self.strides is None or self.span == 0:
            return values.reshape(self.shape)
        # From the only index of an axis no step is made; PyTorch states some all the same.
        steps = zip(self.shape, self.strides, strict=True)
        strides = [stride * self._width if n > 1 else 0 for n, stride in steps]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides)


@dataclasses.dataclass(frozen=True)
class LazyTensor:
    """A tensor that a function returns, always as a whole.

    Args:
        dtype: type of the elements.
        shape: sizes of the axes.
        function: returns the values, which are not to be changed.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    function: Callable[[], np.ndarray]

    def read(self) -> np.ndarray:
        """Returns the values."""
        return self.function()


Tensor = StoredTensor | LazyTensor


def transposed(tensor: Tensor) -> LazyTensor:
    """The same tensor with its axes in the other order."""
    return LazyTensor(tensor.dtype, tensor.shape[::-1], lambda: tensor.read().T)


def refuse_pages(beginning: bytes) -> None:
    """Says what lies in place of a file of weights.

    Args:
        beginning: the first ``BEGINNING`` bytes.

    Raises:
        CheckpointError: it is a pointer of Git LFS, or a web page.
    """
    for known, what in _NO_WEIGHTS.items():
        if beginning.lstrip().startswith(known):
            raise CheckpointError(what)


def nbytes(tensor: Tensor) -> int:
    """The size of the values."""
    return math.prod(tensor.shape) * tensor.dtype.itemsize
