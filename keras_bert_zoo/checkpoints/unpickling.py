"""The pickle inside a PyTorch file, read without PyTorch and without running anything.

A pickle is a program: it may name any importable function and call it. Here only the names in
``_stand_ins`` exist, each replaced by an immutable object of this module that does nothing but
keep its arguments; every other name is refused before it is imported.
"""

from __future__ import annotations

import collections
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from keras_bert_zoo.checkpoints.tensors import DTYPES, CheckpointError

_STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}


class Storage(NamedTuple):
    """A flat run of elements, shared by the tensors that look into it."""

    key: str
    dtype: str
    numel: int


class TensorView(NamedTuple):
    """A tensor: a window into a storage, all numbers counted in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Call(NamedTuple):
    """A callable without attributes, so that a pickle cannot alter it for later ones."""

    function: Callable[..., Any]

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorView:
    view = TensorView(storage, offset, tuple(shape), tuple(strides))
    sizes = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(type(size) is int for size in sizes):
        raise CheckpointError(f"a tensor is described by {view}")
    if len(shape) != len(strides) or min(sizes) < 0:
        raise CheckpointError(f"a tensor has the impossible layout {view}")
    return view


def _stand_ins() -> dict[tuple[str, str], Any]:
    tensor, parameter = _Call(_tensor), _Call(lambda data, *_: data)
    storages = {("torch", name): kind for name, kind in _STORAGES.items()}
    return {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor"): tensor,
        ("torch._utils", "_rebuild_tensor_v2"): tensor,
        ("torch._utils", "_rebuild_parameter"): parameter,
        **storages,
    }


class _Unpickler(pickle.Unpickler):
    names = _stand_ins()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.names:
            known = sorted(f"{m}.{n}" for m, n in self.names)
            raise CheckpointError(
                f"it names {module}.{name}, which is refused: a pickle can run any code it names. "
                f"A file of weights needs nothing but {known}. If you trust the file, convert it "
                "to safetensors in an environment you can lose"
            )
        return self.names[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        match pid:
            case ("storage", str(kind), str(key), _, int(numel), *view) if (
                kind in DTYPES and numel >= 0 and view in ([], [None])
            ):
                return Storage(key, kind, numel)
        raise CheckpointError(f"a storage is described by {pid!r}")


def unpickle(file: Any) -> Any:
    """Reads the next pickle of a binary file that has ``read`` and ``readline``.

    Returns:
        Dicts, lists, tuples, numbers and strings; ``TensorView`` for each tensor.

    Raises:
        CheckpointError: the pickle is damaged or names anything but tensors.
    """
    try:
        return _Unpickler(file).load()
    except CheckpointError:
        raise
    # Damaged bytes are arbitrary instructions: nearly every exception can come out.
    except Exception as error:
        raise CheckpointError(f"its pickle is damaged: {type(error).__name__}: {error}") from error


def tensor_views(value: Any) -> dict[str, TensorView]:
    """Returns the state dict in ``value``.

    Raises:
        CheckpointError: it is anything else than a flat dict of tensors.
    """
    if not isinstance(value, dict):
        raise CheckpointError(f"it holds a {type(value).__name__}, not a dict of tensors")
    odd = {str(k): type(v).__name__ for k, v in value.items() if not isinstance(v, TensorView)}
    if odd:
        raise CheckpointError(f"it holds other things than tensors: {odd}; save a state dict alone")
    return {str(name): view for name, view in value.items()}
