"""Writes ONNX files with one weight in memory at a time.

A ``ModelProto`` that holds its weights takes their size once, and as much again while it is
serialised. So the weights never enter it: the small graph is serialised without them, and
each is written behind it, as the field of the message that it would have been. What does not
fit in one protobuf message goes to a second file, which every runtime finds beside the first.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import onnx
from onnx import helper

from .huggingface import data_path
from .weights import Weight, Weights

# No protobuf message can be larger; some readers stop at the last byte before.
LARGEST = 2**31 - 1
# Field number and the type "length and content" of protobuf's wire format.
_MODEL_GRAPH, _GRAPH_INITIALIZER, _TENSOR_RAW_DATA = b"\x3a", b"\x2a", b"\x4a"
# A file can be mapped to memory from the start of a page only.
_PAGE = 4096


def write(model: Any, weights: Weights, path: pathlib.Path, limit: int = LARGEST) -> None:
    """Writes a model whose weights are still among the graph's inputs.

    Args:
        model: a ``ModelProto``; it loses those inputs.
        weights: by the names of the inputs.
        path: of the new file.
        limit: bytes of one file; above, the weights go to ``data_path(path)``.
    """
    kept = [entry for entry in model.graph.input if entry.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    room = limit - model.ByteSize() - sum(_overhead(name) for name in weights)
    if sum(weight.nbytes for weight in weights.values()) > room:
        _write_beside(model, weights, path)
    else:
        _write_inside(model, weights, path)


def _write_inside(model: Any, weights: Weights, path: pathlib.Path) -> None:
    headers = {name: _header(name, weight) for name, weight in weights.items()}
    tensors = {name: len(headers[name]) + weights[name].nbytes for name in weights}
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    fields = sum(len(_GRAPH_INITIALIZER + _varint(size)) + size for size in tensors.values())
    with path.open("wb") as file:
        file.write(model.SerializeToString())
        file.write(_MODEL_GRAPH + _varint(len(graph) + fields) + graph)
        for name, weight in weights.items():
            file.write(_GRAPH_INITIALIZER + _varint(tensors[name]) + headers[name])
            _write_array(weight, file)


def _write_beside(model: Any, weights: Weights, path: pathlib.Path) -> None:
    data = data_path(path)
    with data.open("wb") as file:
        for name, weight in weights.items():
            file.write(bytes(-file.tell() % _PAGE))
            tensor = _described(name, weight)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            place = {"location": data.name, "offset": file.tell(), "length": weight.nbytes}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            model.graph.initializer.append(tensor)
            _write_array(weight, file)
    path.write_bytes(model.SerializeToString())


def _write_array(weight: Weight, file: IO[bytes]) -> None:
    array = np.ascontiguousarray(weight.read())
    if (array.shape, array.dtype.name) != (weight.shape, weight.dtype):
        raise AssertionError(f"{array.dtype} {array.shape} instead of {weight}")
    file.write(array.data)


def _header(name: str, weight: Weight) -> bytes:
    """A serialised tensor up to its values."""
    return _described(name, weight).SerializeToString() + _TENSOR_RAW_DATA + _varint(weight.nbytes)


def _described(name: str, weight: Weight) -> Any:
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(weight.dtype))
    return onnx.TensorProto(name=name, data_type=kind, dims=weight.shape)


def _overhead(name: str) -> int:
    """More bytes than a tensor takes beside its values: name, sizes and lengths."""
    return len(name.encode()) + 128


def _varint(number: int) -> bytes:
    """Protobuf's integers: seven bits a byte, the lowest first."""
    return bytes(_groups(number))


def _groups(number: int) -> Iterator[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
