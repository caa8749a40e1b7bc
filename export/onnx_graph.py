"""What is done to an ONNX graph after its conversion."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .signature import Signature


def attach_weights(graph: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Turns the inputs called like a weight into initializers that hold its value."""
    for entry in [entry for entry in graph.input if entry.name in weights]:
        graph.input.remove(entry)
        value = np.ascontiguousarray(weights[entry.name])
        graph.initializer.append(numpy_helper.from_array(value, entry.name))


def name_axes(graph: Any, signature: Signature) -> None:
    """Writes the signature's axes on inputs and outputs, both in the signature's order."""
    for entries, specs in ((graph.input, signature.inputs), (graph.output, signature.outputs)):
        types = {entry.name: entry.type.tensor_type.elem_type for entry in entries}
        del entries[:]
        entries.extend(
            helper.make_tensor_value_info(spec.name, types[spec.name], spec.axes) for spec in specs
        )


def multiply_unflattened(model: Any) -> Any:
    """Lets the projections multiply ``(batch, sequence, in)`` as it is.

    ``layers.Linear`` flattens to two dimensions, multiplies and unflattens, which in a
    graph with two open axes takes shape arithmetic around every product. ONNX's MatMul
    needs none of it, and its Reshape copies the leading sizes when told 0.

    Args:
        model: an ONNX model; its weights may still be inputs.

    Returns:
        The leaner model.
    """
    model = onnx.shape_inference.infer_shapes(model)
    view = _View(model.graph)
    for product in [node for node in model.graph.node if node.op_type == "MatMul"]:
        flattened = view.flattened(product)
        if flattened is not None:
            _unflatten(model.graph, view, flattened)
    _prune(model.graph)
    del model.graph.value_info[:]  # it described the flattened tensors
    return model


class _Flattened(NamedTuple):
    """A product between two reshapes, and what the second one restores."""

    before: Any
    product: Any
    added: Any
    after: Any
    leading: int
    trailing: tuple[int, ...]


class _View:
    """Who makes and who uses each tensor of a graph, the known ranks and constants."""

    def __init__(self, graph: Any) -> None:
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.users = collections.defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.users[name].append(node)
        known = [*graph.value_info, *graph.input]
        self.ranks = {entry.name: len(entry.type.tensor_type.shape.dim) for entry in known}

    def flattened(self, product: Any) -> _Flattened | None:
        """The neighbours of a product if they are a flattening and its opposite."""
        chain: list[Any] = [self.makers.get(product.input[0])]
        for _ in range(2):
            last = chain[-1] if len(chain) > 1 else product
            chain.extend(self.users[last.output[0]])
        if [getattr(node, "op_type", None) for node in chain] != ["Reshape", "Add", "Reshape"]:
            return None
        sizes = self._sizes(chain[2].input[1])
        leading = sizes.count(None)
        trailing = tuple(size for size in sizes[leading:] if size is not None)
        if leading < 2 or len(trailing) != len(sizes) - leading:
            return None  # with fewer than two open axes no arithmetic was needed
        before, added, after = chain
        return _Flattened(before, product, added, after, leading, trailing)

    def _sizes(self, name: str) -> list[int | None]:
        """A shape tensor's entries: constants, and ``None`` for what is computed."""
        maker = self.makers.get(name)
        while maker is not None and maker.op_type == "Cast":
            maker = self.makers.get(maker.input[0])
        if maker is None or maker.op_type != "Concat":
            return []
        known = [self.constants.get(entry) for entry in maker.input]
        return [None if value is None else int(value.item()) for value in known]


def _unflatten(graph: Any, view: _View, found: _Flattened) -> None:
    source = found.before.input[0]
    keep = (0,) * found.leading
    if view.ranks[source] == found.leading + 1:
        found.product.input[0] = source
    else:
        width = int(view.constants[found.before.input[1]][-1])
        found.before.input[1] = _shape(graph, (*keep, width))
    if len(found.trailing) > 1:
        found.after.input[1] = _shape(graph, (*keep, *found.trailing))
    else:
        result = found.after.output[0]
        found.after.output[0] = f"{result}_unused"
        found.added.output[0] = result


def _shape(graph: Any, shape: tuple[int, ...]) -> str:
    """The name of a constant shape, created on first use."""
    name = "shape_" + "_".join(map(str, shape))
    if all(tensor.name != name for tensor in graph.initializer):
        value = np.asarray(shape, "int64")
        graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _prune(graph: Any) -> None:
    """Removes the nodes and constants that nothing uses any more."""
    needed = {entry.name for entry in graph.output}
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
    for entries in (graph.node, graph.initializer):
        kept = [entry for entry in entries if needed.intersection(_made_by(entry))]
        del entries[:]
        entries.extend(kept)


def _made_by(entry: Any) -> list[str]:
    """The tensors that a node computes or an initializer holds."""
    return list(entry.output) if isinstance(entry, onnx.NodeProto) else [entry.name]
