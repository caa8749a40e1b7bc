"""A tensor in a file: its shape and type now, its values when asked."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np


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
    """

    path: pathlib.Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None

    @property
    def span(self) -> int:
        """Elements from the first to the last, both included."""
        if math.prod(self.shape) == 0:
            return 0
        if self.strides is None:
            return math.prod(self.shape)
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))

    def blocks(self, largest: int) -> Iterator[StoredTensor]:
        """Cuts the first axis into pieces of at most ``largest`` bytes, or of one index."""
        length = self.shape[0] if self.shape else 1
        size = math.prod(self.shape) * self.dtype.itemsize
        step = max(1, length * largest // size) if size > largest else length
        if step >= length:
            yield self
            return
        stride = self.strides[0] if self.strides else math.prod(self.shape[1:])
        for start in range(0, length, step):
            yield dataclasses.replace(
                self,
                offset=self.offset + start * stride * self.dtype.itemsize,
                shape=(min(step, length - start), *self.shape[1:]),
            )

    def read(self) -> np.ndarray:
        """Returns the values, in a fresh array of the stored type.

        Raises:
            CheckpointError: the file ends before the tensor does.
        """
        values = np.fromfile(self.path, self.dtype, count=self.span, offset=self.offset)
        if len(values) != self.span:
            raise CheckpointError(
                f"{self.path} is truncated: {self.span} elements of {self.dtype} should start "
                f"at byte {self.offset}, {len(values)} do."
            )
        if self.strides is None or self.span == 0:
            return values.reshape(self.shape)
        strides = [stride * self.dtype.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values, self.shape, strides)
