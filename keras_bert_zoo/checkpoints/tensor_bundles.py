"""TensorFlow's own files of tensors: ``NAME.index`` beside ``NAME.data-…``. TensorFlow-only.

The format is called tensor bundle, or checkpoint V2. TensorFlow 1 names a tensor in it after its
variable; TensorFlow 2 after the way to it through Python's objects, and keeps the name of the
variable in a description of these objects.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints.pages import copied, trim
from keras_bert_zoo.checkpoints.tensors import CheckpointError, LazyTensor, Tensor, nbytes

INDEX = ".index"
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
# TensorFlow takes all tensors of a file at once.
_SMALLEST_PART, _MOST_PARTS = 64 * 2**20, 8


def open_bundle(prefix: pathlib.Path) -> dict[str, LazyTensor]:
    """Returns the tensors of a bundle by the names of their variables, values unread.

    Args:
        prefix: path of the index without ``.index``.

    Raises:
        CheckpointError: the index is damaged; so does reading a tensor if its file is.
    """
    import tensorflow as tf

    reader = _checked(prefix, lambda: tf.train.load_checkpoint(str(prefix)))
    types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
    keys = {key: key for key in types}
    if _OBJECTS in types:
        keys = _keys_by_variable(_checked(prefix, lambda: reader.get_tensor(_OBJECTS)))
    return {
        name: LazyTensor(
            np.dtype(types[key].as_numpy_dtype),
            tuple(shapes[key]),
            functools.partial(_checked, prefix, functools.partial(_read, reader, key)),
        )
        for name, key in keys.items()
    }


def _read(reader: Any, key: str) -> np.ndarray:
    # What a model takes over must not be TensorFlow's memory, which is given back late or never.
    values = copied(np.asarray(reader.get_tensor(key)))
    trim()
    return values


def _keys_by_variable(objects: bytes) -> dict[str, str]:
    """Where the value of each variable is; one whose name is not its own goes by that place."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    values = [
        value
        for node in TrackableObjectGraph.FromString(objects).nodes
        for value in node.attributes
        if value.name == _VALUE
    ]
    names = [value.full_name for value in values]
    return {
        value.full_name if names.count(value.full_name) == 1 else value.checkpoint_key: (
            value.checkpoint_key
        )
        for value in values
    }


def _checked(prefix: pathlib.Path, read: Callable[[], Any]) -> Any:
    import tensorflow as tf

    try:
        return read()
    # What the reader raises for damaged files and for files that are not there.
    except (tf.errors.OpError, IndexError, RuntimeError, ValueError) as error:
        raise CheckpointError(
            f"{prefix} cannot be read as a TensorFlow checkpoint: {error}. Fetch its files again."
        ) from error


def write_bundle(
    prefix: pathlib.Path,
    tensors: Mapping[str, Tensor],
    dtype: np.dtype | None = None,
    done: Callable[[int], Any] = lambda size: None,
) -> None:
    """Writes a bundle; one that is large in several files, of which memory holds one at a time.

    Args:
        prefix: path of the index without ``.index``.
        tensors: by name.
        dtype: what to round them to; by default they keep their types.
        done: is told the size of each tensor that was read, in bytes.

    Raises:
        OSError: a file cannot be written.
    """
    import tensorflow as tf

    parts: list[str] = []
    try:
        for names in _parts(tensors):
            parts.append(f"{prefix}.parts/{len(parts)}")
            tf.raw_ops.SaveV2(
                prefix=parts[-1],
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=list(_taken(tensors, names, dtype, done)),
            )
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(prefix))
    except tf.errors.OpError as error:
        raise OSError(f"{prefix} cannot be written: {error.message}") from error


def _parts(tensors: Mapping[str, Tensor]) -> list[list[str]]:
    """The names of each file, in their order."""
    limit = max(_SMALLEST_PART, sum(map(nbytes, tensors.values())) // _MOST_PARTS)
    parts: list[list[str]] = [[]]
    size = 0
    for name, tensor in tensors.items():
        if parts[-1] and size + nbytes(tensor) > limit:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += nbytes(tensor)
    return parts


def _taken(
    tensors: Mapping[str, Tensor],
    names: list[str],
    dtype: np.dtype | None,
    done: Callable[[int], Any],
) -> Iterator[Any]:
    from keras_bert_zoo.checkpoints.memory import tensor_of  # loads Keras

    for name in names:
        yield tensor_of(tensors[name].read(), dtype or tensors[name].dtype)
        done(nbytes(tensors[name]))
