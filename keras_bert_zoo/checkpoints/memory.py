"""Tensors of the backend in the memory of arrays, so that no weight is there twice.

TensorFlow copies an array that it makes a tensor of, and its allocator keeps what it once had: two
models, one after the other, would take twice the memory.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from typing import Any

import keras
import ml_dtypes
import numpy as np

from keras_bert_zoo.checkpoints.pages import copied, trim

# In bytes. TensorFlow copies what lies otherwise (``EIGEN_MAX_ALIGN_BYTES``).
_ALIGNMENT = 64


def tensor_of(values: np.ndarray, dtype: Any) -> Any:
    """A tensor of the backend; it takes the array over if it can, which is not to be changed then.

    A variable made of the tensor leaves the array as it is too: its first update makes a new one.

    Args:
        values: of any layout.
        dtype: of the tensor.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.ops.convert_to_tensor(values, dtype)
    fits = values.dtype == dtype and values.ctypes.data % _ALIGNMENT == 0
    if not (fits and values.flags.c_contiguous and values.flags.writeable):
        values = copied(values, dtype)
    return _taken_over(values)


def _taken_over(values: np.ndarray) -> Any:
    import tensorflow as tf

    if values.dtype == ml_dtypes.bfloat16:  # a type that DLPack does not know
        return tf.bitcast(_taken_over(values.view(np.uint16)), tf.bfloat16)
    return tf.experimental.dlpack.from_dlpack(values.__dlpack__())


def array_of(tensor: Any) -> np.ndarray:
    """The values of a variable or tensor of the backend, which are not to be changed.

    In TensorFlow they lie in the memory of the tensor, as ``keras.ops.convert_to_numpy`` would copy
    them. Of a variable only what it becomes in an operation can be looked into.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.ops.convert_to_numpy(tensor)
    return np.asarray(keras.ops.reshape(tensor, (-1,))).reshape(tensor.shape)


class Starting(keras.StatelessScope):
    """Makes the values that variables are given in it those with which they start, at its end.

    Without it Keras draws random values for each variable first, a model more in memory.

    Args:
        take: makes the tensor of a variable of the value; by default it shares the memory of the
            value where the first update of either makes a new one.
    """

    def __init__(self, take: Callable[[Any], Any] = keras.ops.copy) -> None:
        super().__init__()
        self._take = take

    def add_update(self, update: tuple[Any, Any]) -> None:
        """Is what ``variable.assign`` calls in a scope."""
        variable, value = update
        tensor = self._take(value)
        variable._initializer = lambda shape, dtype=None: tensor


def as_tensors(model: keras.Model) -> contextlib.AbstractContextManager[Any]:
    """A scope to save a model in, after ``give_back``.

    On its way to a file Keras copies a variable twice, a tensor once. Where there is an optimizer
    it makes another one meanwhile, which is not allowed in such a scope.
    """
    give_back()
    if getattr(model, "optimizer", None) is not None:
        return contextlib.nullcontext()
    return keras.StatelessScope([(each, keras.ops.copy(each)) for each in model.variables])


def give_back() -> None:
    """Collects what nothing uses any more, as models that refer to themselves, and trims."""
    gc.collect()
    trim()
