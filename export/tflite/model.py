"""A TFLite file as objects: read, look around, edit, write. TensorFlow only.

Shapes hold -1 for the open axis; constants are NumPy arrays; tensors are named by index.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping
from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
# Room for everything but the constants; the builder doubles and copies when it is too small.
_SLACK = 1 << 20
_TYPES: Mapping[str, int] = {
    name.lower(): code for name, code in vars(schema.TensorType).items() if name.isupper()
}
_DTYPES = {code: name for name, code in _TYPES.items()}
_CODES: Mapping[str, int] = {
    name: code for name, code in vars(schema.BuiltinOperator).items() if name.isupper()
}
_NAMES = {code: name for name, code in _CODES.items()}


def read(content: bytes) -> Any:
    """Parses a file into a ``ModelT``; what an operator takes and makes can be edited."""
    model = schema.ModelT.InitFromPackedBuf(content)
    for graph in model.subgraphs:
        for holder in (graph, *graph.operators):
            holder.inputs = list(map(int, holder.inputs))
            holder.outputs = list(map(int, holder.outputs))
    return model


def write(model: Any) -> bytes:
    """Packs a ``ModelT`` without what nothing uses, and equal constants once."""
    for graph in model.subgraphs:
        _drop_unused(model, graph)
        _name_apart(graph)
    _share_buffers(model)
    size = sum(buffer.data.nbytes for buffer in model.buffers if buffer.data is not None)
    builder = flatbuffers.Builder(size + _SLACK)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    # `Output` would copy once more.
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


class Graph:
    """One subgraph of a model, with who makes and who uses each tensor.

    Args:
        model: a ``ModelT``.
        index: which of its subgraphs.
    """

    def __init__(self, model: Any, index: int = 0) -> None:
        self.model = model
        self.graph = model.subgraphs[index]
        self.refresh()

    def refresh(self) -> None:
        """Looks again at who makes and who uses what, after an edit."""
        self.makers: dict[int, Any] = {}
        self.users: dict[int, list[Any]] = collections.defaultdict(list)
        for operator in self.graph.operators:
            self.makers.update(dict.fromkeys(map(int, operator.outputs), operator))
            for tensor in operator.inputs:
                self.users[int(tensor)].append(operator)

    def kind(self, operator: Any) -> str:
        """Name of an operator, e.g. ``"FULLY_CONNECTED"``; ``""`` for ``None``."""
        return kind(self.model, operator) if operator is not None else ""

    def of_kind(self, name: str) -> list[Any]:
        """The operators of one kind, in their order."""
        return [o for o in self.graph.operators if self.kind(o) == name]

    def maker(self, tensor: int, name: str) -> Any:
        """The operator that makes a tensor if it is of this kind, else ``None``."""
        operator = self.makers.get(int(tensor))
        return operator if self.kind(operator) == name else None

    def only_user(self, tensor: int, name: str) -> Any:
        """The operator that alone uses a tensor if it is of this kind, else ``None``."""
        users = self.users[int(tensor)]
        alone = len(users) == 1 and int(tensor) not in set(map(int, self.graph.outputs))
        return users[0] if alone and self.kind(users[0]) == name else None

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Sizes of a tensor's axes, -1 for an open one."""
        entry = self.graph.tensors[tensor]
        sizes = entry.shape if entry.shapeSignature is None else entry.shapeSignature
        return tuple(map(int, sizes if sizes is not None else ()))

    def constant(self, tensor: int) -> np.ndarray | None:
        """Value of a constant of a plain type, else ``None``."""
        entry = self.graph.tensors[tensor]
        data = self.model.buffers[entry.buffer].data
        if data is None or _DTYPES[entry.type] not in np.sctypeDict:
            return None
        return np.asarray(data).view(_DTYPES[entry.type]).reshape(self.shape(tensor))

    def value(self, tensor: int) -> np.ndarray:
        """Value of a tensor that is known to be a constant."""
        found = self.constant(tensor)
        assert found is not None, self.graph.tensors[tensor].name
        return found

    def add_constant(self, name: str, value: np.ndarray, dtype: str | None = None) -> int:
        """Adds a constant; ``dtype`` for values that NumPy holds in another type."""
        buffer = schema.BufferT()
        buffer.data = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        self.model.buffers.append(buffer)
        tensor = self.add_tensor(name, value.shape, dtype or value.dtype.name)
        self.graph.tensors[tensor].buffer = len(self.model.buffers) - 1
        return tensor

    def set_constant(self, tensor: int, value: np.ndarray) -> None:
        """Gives a constant another value of its type; others that shared the old one keep it."""
        buffer = schema.BufferT()
        buffer.data = np.ascontiguousarray(value, _DTYPES[self.graph.tensors[tensor].type])
        buffer.data = buffer.data.reshape(-1).view(np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[tensor].buffer = len(self.model.buffers) - 1

    def add_tensor(self, name: str, shape: Iterable[int], dtype: str = "float32") -> int:
        """Adds a tensor that an operator will make; -1 for an open axis."""
        sizes = np.array(list(shape), np.int32)
        entry = schema.TensorT()
        entry.name, entry.type, entry.buffer = name.encode(), _TYPES[dtype], 0
        entry.shape = np.maximum(sizes, 1)
        entry.shapeSignature = sizes if (sizes < 0).any() else None
        entry.hasRank = True
        self.graph.tensors.append(entry)
        return len(self.graph.tensors) - 1

    def operator(
        self,
        name: str,
        inputs: Iterable[int],
        outputs: Iterable[int],
        version: int = 1,
        **options: Any,
    ) -> Any:
        """Makes an operator; put it into ``graph.operators`` where its inputs are known.

        Args:
            name: e.g. ``"SPLIT"``.
            inputs: tensors.
            outputs: tensors.
            version: of the operator.
            options: fields of its options table, e.g. ``numSplits=3``.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self.code(name, version)
        operator.inputs, operator.outputs = list(map(int, inputs)), list(map(int, outputs))
        table = _OPTIONS.get(name)
        if table is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, f"{table}T")()
            for field, value in options.items():
                setattr(operator.builtinOptions, field, value)
        return operator

    def code(self, name: str, version: int) -> int:
        """Index of an operator's kind and version in the table of the file."""
        return _opcode(self.model, name, version)

    def place(self, operators: Iterable[Any], *, before: Any) -> None:
        """Inserts operators where another one stands."""
        everything = self.graph.operators
        # By identity: the schema's classes have no equality of their own.
        at = next(i for i, operator in enumerate(everything) if operator is before)
        everything[at:at] = operators


# The options tables of the operators that edits add.
_OPTIONS = {
    "DEQUANTIZE": "DequantizeOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "MUL": "MulOptions",
    "QUANTIZE": "QuantizeOptions",
    "RESHAPE": "ReshapeOptions",
    "SPLIT": "SplitOptions",
    "TRANSPOSE": "TransposeOptions",
}


def set_type(tensor: Any, dtype: str) -> None:
    """Gives a tensor another type, e.g. ``"int4"``."""
    tensor.type = _TYPES[dtype]


def kind(model: Any, operator: Any) -> str:
    """Name of an operator; one that is not built in is ``custom:NAME``."""
    return _name_of(model.operatorCodes[operator.opcodeIndex])


def operators(content: bytes) -> collections.Counter[str]:
    """Counts the operators of a TFLite file; one that is not built in is ``custom:NAME``."""
    model = read(content)
    return collections.Counter(
        kind(model, operator) for graph in model.subgraphs for operator in graph.operators
    )


def _opcode(model: Any, name: str, version: int) -> int:
    for index, code in enumerate(model.operatorCodes):
        if code.version == version and _name_of(code) == name:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = _CODES[name], version
    code.deprecatedBuiltinCode = min(_CODES[name], 127)
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _name_of(code: Any) -> str:
    if code.customCode is not None:
        return f"custom:{code.customCode.decode()}"
    # Codes beyond 127 are in the newer of the two fields.
    return _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]


def _drop_unused(model: Any, graph: Any) -> None:
    needed = set(map(int, graph.outputs))
    kept = []
    for operator in reversed(graph.operators):
        if needed.intersection(map(int, operator.outputs)):
            needed.update(map(int, operator.inputs))
            kept.append(operator)
    graph.operators = kept[::-1]
    needed |= set(map(int, graph.inputs))
    needed |= {int(t) for operator in kept for t in operator.outputs}
    needed |= {t for index in needed if index >= 0 for t in _parameters(graph.tensors[index])}
    _renumber(model, graph, sorted(needed - {-1}))


def _parameters(tensor: Any) -> list[int]:
    """The tensors that hold the scales of a block-wise quantised one."""
    details = tensor.quantization.details if tensor.quantization is not None else None
    return [details.scales] if details is not None and hasattr(details, "scales") else []


def _renumber(model: Any, graph: Any, kept: list[int]) -> None:
    """Keeps only some tensors, in everything that names tensors by index."""
    new = {-1: -1, **{old: index for index, old in enumerate(kept)}}
    graph.tensors = [graph.tensors[old] for old in kept]
    for holder in (graph, *graph.operators):
        holder.inputs = [new[int(tensor)] for tensor in holder.inputs]
        holder.outputs = [new[int(tensor)] for tensor in holder.outputs]
    for tensor in graph.tensors:
        if _parameters(tensor):
            tensor.quantization.details.scales = new[tensor.quantization.details.scales]
    for signature in model.signatureDefs or []:
        if model.subgraphs[signature.subgraphIndex] is graph:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex = new[entry.tensorIndex]


def _name_apart(graph: Any) -> None:
    """Tools that read the file take names for unique."""
    seen: collections.Counter[bytes] = collections.Counter()
    for tensor in graph.tensors:
        seen[tensor.name] += 1
        if seen[tensor.name] > 1:
            tensor.name += b"_%d" % seen[tensor.name]


def _share_buffers(model: Any) -> None:
    """Stores equal constants once; buffer 0 is the empty one."""
    places: dict[bytes, int] = {}
    buffers = [model.buffers[0]]

    def place(index: int) -> int:
        data = model.buffers[index].data
        if index == 0 or data is None:
            return 0
        key = np.asarray(data).tobytes() if len(data) < 1 << 12 else _digest(data)
        if key not in places:
            places[key] = len(buffers)
            buffers.append(model.buffers[index])
        return places[key]

    for holder in (*(t for g in model.subgraphs for t in g.tensors), *(model.metadata or [])):
        holder.buffer = place(holder.buffer)
    model.buffers = buffers


def _digest(data: Any) -> bytes:
    import hashlib

    return hashlib.blake2b(np.ascontiguousarray(data).data).digest()
