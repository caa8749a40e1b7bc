"""How the weights of a TFLite file are stored. TensorFlow only.

Products with 8- or 4-bit weights run on integers: LiteRT quantises their activations row by
row as they come. Scales belong to an output of a product or to a row of a table, or to each
32 or 64 weights of one ("blocks").
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from .model import Graph, set_type

# Products with fewer outputs stay as they are: the head of a classifier saves nothing and
# decides much.
_FEWEST = 16
# Clips that are tried for 4-bit weights: the largest one of a block costs the others steps.
_CLIPS = np.linspace(0.7, 1.0, 7, dtype="float32")
_CHUNK = 1 << 22


@dataclasses.dataclass(frozen=True)
class Quantised:
    """Integers and what they are multiplied with.

    Args:
        values: int8, of the weight's shape.
        scales: float32 ``(rows, 1)``, or ``(rows, columns / 32)`` for blocks.
    """

    values: np.ndarray
    scales: np.ndarray

    def restored(self) -> np.ndarray:
        """The weight as the runtime sees it, float32."""
        rows, blocks = self.scales.shape
        parts = self.values.reshape(rows, blocks, -1) * self.scales[:, :, None]
        return parts.reshape(self.values.shape).astype("float32")


def to_int8(weight: np.ndarray) -> Quantised:
    """One scale for each row: its largest weight becomes 127."""
    scales = _largest(weight) / 127
    return Quantised(np.rint(weight / scales).astype(np.int8), scales)


def to_int4(weight: np.ndarray) -> Quantised:
    """One scale for each row, of those tried the one of the least squared error."""
    return _to_int4(weight, weight.shape[1], np.float32)


def to_int4_blocks(weight: np.ndarray, width: int = 32) -> Quantised:
    """One scale for each ``width`` weights of a row; one a row where that does not divide it."""
    if weight.shape[1] % width:
        return to_int4(weight)
    return _to_int4(weight, width, np.float16)  # the file holds these scales in half precision


def _to_int4(weight: np.ndarray, width: int, stored: Any) -> Quantised:
    values = np.empty(weight.shape, np.int8)
    scales = np.empty((len(weight), weight.shape[1] // width), np.float32)
    step = max(1, _CHUNK // weight.shape[1])
    for start in range(0, len(weight), step):
        rows = slice(start, start + step)
        blocks = weight[rows].reshape(-1, width)
        chosen, found = _best_of_clips(blocks, stored)
        values[rows] = chosen.reshape(weight[rows].shape)
        scales[rows] = found.reshape(scales[rows].shape)
    return Quantised(values, scales)


def _best_of_clips(blocks: np.ndarray, stored: Any) -> tuple[np.ndarray, np.ndarray]:
    largest = _largest(blocks) / 7
    best, values, scales = np.full(len(blocks), np.inf), np.empty_like(blocks), largest.copy()
    for clip in _CLIPS:
        scale = (largest * clip).astype(stored).astype("float32")
        tried = np.clip(np.rint(blocks / scale), -8, 7)
        error = np.square(tried * scale - blocks).sum(axis=1)
        better = error < best
        best[better], values[better], scales[better] = error[better], tried[better], scale[better]
    return values.astype(np.int8), scales


def _largest(rows: np.ndarray) -> np.ndarray:
    largest = np.abs(rows).max(axis=1, keepdims=True).astype("float32")
    # Half precision holds no scale below 6e-8; a row of zeros needs one all the same.
    return np.maximum(largest, 1e-5)


def to_float16(weight: np.ndarray) -> np.ndarray:
    """The nearest numbers of half precision; none becomes infinite."""
    return weight.clip(-65504, 65504).astype(np.float16)


class Storage(NamedTuple):
    """One row of the table.

    Attributes:
        convert: a float32 weight to what ``put`` takes; the work, which can be kept.
        put: stores that in a graph, as a tensor that exists.
    """

    convert: Callable[[np.ndarray], Any]
    put: Callable[[Graph, int, Any], None]


def _put_int8(graph: Graph, tensor: int, found: Quantised) -> None:
    _replace(graph, tensor, "int8", found.values)
    _set_scales(graph, tensor, found.scales)


def _put_int4(graph: Graph, tensor: int, found: Quantised) -> None:
    pairs = found.values.reshape(-1, 2) & 0xF
    _replace(graph, tensor, "int4", (pairs[:, 0] | pairs[:, 1] << 4).astype(np.uint8))
    if found.scales.shape[1] == 1:
        _set_scales(graph, tensor, found.scales)
    else:
        _set_block_scales(graph, tensor, found)


def _put_float16(graph: Graph, tensor: int, value: np.ndarray) -> None:
    _replace(graph, tensor, "float16", value)
    _restore_first(graph, tensor)


def _put_weight_int8(graph: Graph, tensor: int, found: Quantised) -> None:
    _put_int8(graph, tensor, found)
    if any(graph.kind(user) == "FULLY_CONNECTED" for user in graph.users[tensor]):
        _restore_first(graph, tensor)


def _restore_first(graph: Graph, tensor: int) -> None:
    """Lets the runtime restore float32 when it loads the file."""
    entry = graph.graph.tensors[tensor]
    restored = graph.add_tensor(f"{entry.name.decode()}/restored", graph.shape(tensor))
    users = graph.users[tensor]
    first = min(users, key=graph.graph.operators.index)
    for user in users:
        user.inputs = [restored if index == tensor else index for index in user.inputs]
    graph.place([graph.operator("DEQUANTIZE", [tensor], [restored])], before=first)


def _replace(graph: Graph, tensor: int, dtype: str, value: np.ndarray) -> None:
    entry = graph.graph.tensors[tensor]
    # A buffer of its own: others may hold the same constant as it was.
    holder = graph.graph.tensors[graph.add_constant("", value.reshape(-1))]
    entry.buffer = holder.buffer
    set_type(entry, dtype)


def _set_scales(graph: Graph, tensor: int, scales: np.ndarray) -> None:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.reshape(-1)
    quantization.zeroPoint = np.zeros(len(quantization.scale), np.int64)
    quantization.quantizedDimension = 0
    graph.graph.tensors[tensor].quantization = quantization


def _set_block_scales(graph: Graph, tensor: int, found: Quantised) -> None:
    name = graph.graph.tensors[tensor].name.decode()
    details = schema.BlockwiseQuantizationT()
    details.scales = graph.add_constant(f"{name}/scales", found.scales.astype(np.float16))
    details.zeroPoints = -1
    details.blockSize = found.values.shape[1] // found.scales.shape[1]
    quantization = schema.QuantizationParametersT()
    quantization.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    quantization.details = details
    graph.graph.tensors[tensor].quantization = quantization


STORAGES: Mapping[str, Storage] = {
    "float32": Storage(lambda weight: None, lambda graph, tensor, value: None),
    "float16": Storage(to_float16, _put_float16),
    "int8": Storage(to_int8, _put_int8),
    "weight-int8": Storage(to_int8, _put_weight_int8),
    "int4": Storage(to_int4, _put_int4),
    "int4-blocks": Storage(to_int4_blocks, _put_int4),
    "int4-blocks-64": Storage(functools.partial(to_int4_blocks, width=64), _put_int4),
}


def store_weights(
    model: Any,
    storage_of: Callable[[str], str],
    kept: dict[tuple[str, str], Any] | None = None,
    index: int = 0,
) -> dict[str, str]:
    """Stores the weights of products and the table of words otherwise; positions in float16.

    Args:
        model: a ``ModelT`` with float32 weights.
        storage_of: name of a weight, as ``passes`` gave it, to a key of ``STORAGES``.
        kept: converted weights by name and storage, for callers that try several.
        index: of the subgraph.

    Returns:
        Name of each weight to the storage it has now.
    """
    graph, kept = Graph(model, index), {} if kept is None else kept
    stored = {}
    for name, tensor in weights_of(graph).items():
        key = (name, storage_of(name))
        row = STORAGES[key[1]]
        if key not in kept:
            kept[key] = row.convert(graph.value(tensor))
        row.put(graph, tensor, kept[key])
        stored[name] = key[1]
    if set(stored.values()) - {"float32"}:
        for tensor in _position_tables(graph):
            _put_float16(graph, tensor, to_float16(graph.value(tensor)))
    return stored


def _position_tables(graph: Graph) -> set[int]:
    """The tables of which the first rows are taken: half precision is enough for them."""
    tables = {cut.inputs[0] for cut in graph.of_kind("STRIDED_SLICE")}
    constants = {tensor: graph.constant(tensor) for tensor in tables}
    return {
        t for t, v in constants.items() if v is not None and v.ndim == 2 and v.dtype == "float32"
    }


def weights_of(graph: Graph) -> dict[str, int]:
    """The tensors that can be stored otherwise, by name: kernels and the table of words."""
    users = [*graph.of_kind("FULLY_CONNECTED"), *graph.of_kind("EMBEDDING_LOOKUP")]
    found = dict.fromkeys(user.inputs[1] for user in users)
    return {
        graph.graph.tensors[tensor].name.decode(): tensor
        for tensor in found
        if graph.constant(tensor) is not None and graph.shape(tensor)[0] >= _FEWEST
    }
