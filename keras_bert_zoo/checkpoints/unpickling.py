"""The pickle inside a PyTorch file, read without PyTorch and without running anything.

A pickle is a program: it may name any importable function and call it. Here only the names in
``_stand_ins`` exist, each replaced by an immutable object of this module that does nothing but
keep its arguments; every other name is refused before it is imported. Of the instructions only
those exist that a file of weights needs, and all of them take memory and time in proportion to
their bytes.
"""

from __future__ import annotations

import pickle
import reprlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from keras_bert_zoo.checkpoints.tensors import DTYPES, MOST_AXES, CheckpointError

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
# A tensor takes seven. What is longer could be handed over again and again, and cost its length
# each time.
_MOST_ARGUMENTS = 8
# Left out, besides what builds objects: sets and dicts made at once, whose keys nothing checks,
# and integers of any length.
# fmt: off
_NEEDED = (
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK,
    pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.FLOAT, pickle.BINFLOAT,
    pickle.INT, pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1,
    pickle.UNICODE, pickle.BINUNICODE, pickle.SHORT_BINUNICODE,
    pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING,
    pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3,
    pickle.EMPTY_LIST, pickle.LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT,
    pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET,
    pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.PERSID, pickle.BINPERSID,
)
# fmt: on


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
    if len(shape) > MOST_AXES or len(shape) != len(strides):
        raise CheckpointError(
            f"a tensor has the impossible layout of {len(shape)} axes and {len(strides)} strides"
        )
    view = TensorView(storage, offset, tuple(shape), tuple(strides))
    sizes = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(type(size) is int for size in sizes):
        # Written out in full, tuples that hold each other twice would never end.
        raise CheckpointError(f"a tensor is described by {reprlib.repr(tuple(view))}")
    if min(sizes) < 0:
        raise CheckpointError(f"a tensor has the impossible layout {reprlib.repr(tuple(view))}")
    return view


def _filled(table: Any, pairs: Iterable[Any]) -> dict[str, Any]:
    """Adds to a dict. Keys other than strings are refused: hashing one may never end."""
    items = [(key, value) for key, value in pairs]
    odd = {type(key).__name__ for key, _ in items if type(key) is not str}
    if type(table) is not dict or odd:
        raise CheckpointError(
            f"it puts items into a {type(table).__name__}, under keys of the types {sorted(odd)}; "
            "only dicts with names are read"
        )
    table.update(items)
    return table


def _ordered(pairs: list[Any] | None = None) -> dict[str, Any]:
    """An ``OrderedDict``; Python 2 hands it a list of pairs."""
    table = _filled({}, pairs or [])
    if pairs:
        pairs.clear()  # given a second time, it would cost as much again
    return table


def _stand_ins() -> dict[tuple[str, str], Any]:
    tensor, parameter = _Call(_tensor), _Call(lambda data, *_: data)
    storages = {("torch", name): kind for name, kind in _STORAGES.items()}
    return {
        ("collections", "OrderedDict"): _Call(_ordered),
        ("torch._utils", "_rebuild_tensor"): tensor,
        ("torch._utils", "_rebuild_tensor_v2"): tensor,
        ("torch._utils", "_rebuild_parameter"): parameter,
        **storages,
    }


class _Instructions(dict[int, Callable[["_Unpickler"], None]]):
    def __missing__(self, code: int) -> Any:
        raise CheckpointError(
            f"it has the instruction {bytes([code])!r}, which is refused: no file of weights needs "
            "it"
        )


# Python's own implementation: in the one in C ten bytes can take 34 GB, and nothing can be refused.
# Type checkers know parts of it.
_Python: Any = pickle._Unpickler


class _Unpickler(_Python):
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
        raise CheckpointError(f"a storage is described by {reprlib.repr(pid)}")

    def call(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        short = type(arguments) is tuple and len(arguments) <= _MOST_ARGUMENTS
        if type(function) is not _Call or not short:
            raise CheckpointError(f"it calls a {type(function).__name__}, or with odd arguments")
        self.append(function(*arguments))

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _filled(self.stack[-1], [(key, value)])

    def set_items(self) -> None:
        items = self.pop_mark()
        _filled(self.stack[-1], zip(items[::2], items[1::2], strict=True))

    def leave_out_state(self) -> None:
        """The attributes of a state dict say which version of a layer wrote it."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise CheckpointError(f"it gives a {type(self.stack[-1]).__name__} attributes")

    dispatch = _Instructions(
        {
            **{code: _Python.dispatch[code] for (code,) in _NEEDED},
            pickle.REDUCE[0]: call,
            pickle.SETITEM[0]: set_item,
            pickle.SETITEMS[0]: set_items,
            pickle.BUILD[0]: leave_out_state,
        }
    )


def unpickle(file: Any) -> Any:
    """Reads the next pickle of a binary file that has ``read`` and ``readline``.

    Returns:
        Dicts, lists, tuples, numbers and strings; ``TensorView`` for each tensor.

    Raises:
        CheckpointError: the pickle is damaged or names anything but tensors.
    """
    try:
        return _Unpickler(file).load()
    except (CheckpointError, MemoryError):
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
    odd = {key: type(each).__name__ for key, each in value.items() if type(each) is not TensorView}
    if odd:
        raise CheckpointError(f"it holds other things than tensors: {odd}; save a state dict alone")
    return value
