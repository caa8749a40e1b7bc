"""Reading and editing an ONNX graph whose weights may still be inputs."""

from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..signature import Signature

# The domain of onnxruntime's own operators.
CONTRIBUTED = "com.microsoft"


class View:
    """Who makes and who uses each tensor of a graph, the known ranks and constants."""

    def __init__(self, graph: Any) -> None:
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.outputs = {entry.name for entry in graph.output}
        self.users: dict[str, list[Any]] = collections.defaultdict(list)
        for node in graph.node:
            for name in dict.fromkeys(node.input):
                self.users[name].append(node)
        known = [*graph.value_info, *graph.input]
        self.ranks = {entry.name: len(entry.type.tensor_type.shape.dim) for entry in known}

    def only_user(self, name: str, kind: str) -> Any | None:
        """The one node that uses a tensor, if it is of a kind and no output is the tensor."""
        users = [] if name in self.outputs else self.users[name]
        return users[0] if len(users) == 1 and users[0].op_type == kind else None

    def maker(self, name: str, kind: str) -> Any | None:
        """The node that makes a tensor, if it is of a kind."""
        maker = self.makers.get(name)
        return maker if maker is not None and maker.op_type == kind else None

    def scalar(self, name: str) -> float | None:
        """The value of a constant with one element."""
        value = self.constants.get(name)
        return None if value is None or value.size != 1 else float(value.item())

    def split(self, node: Any) -> tuple[str, float] | None:
        """What a node of two inputs joins with a constant number: the tensor and the number."""
        for this, other in (node.input, reversed(node.input)):
            number = self.scalar(other)
            if number is not None:
                return this, number
        return None


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
    """A node with one output."""
    return helper.make_node(kind, inputs, [output], **attributes)


def attribute(of: Any, name: str, default: Any = None) -> Any:
    """An attribute of a node."""
    found = {a.name: helper.get_attribute_value(a) for a in of.attribute}
    return found.get(name, default)


def replace(entries: Any, new: Iterable[Any]) -> None:
    """Fills one of a graph's lists anew."""
    kept = list(new)
    del entries[:]
    entries.extend(kept)


def constant(graph: Any, name: str, value: Any) -> str:
    """The name of a constant, created on first use."""
    if all(tensor.name != name for tensor in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def name_axes(graph: Any, signature: Signature) -> None:
    """Writes the signature's axes on inputs and outputs, both in the signature's order.

    Inputs that the signature does not know, which are weights, follow.
    """
    specs = {spec.name: spec for spec in (*signature.inputs, *signature.outputs)}
    order = {name: position for position, name in enumerate(specs)}
    for entries in (graph.input, graph.output):
        found = sorted(entries, key=lambda entry: order.get(entry.name, math.inf))
        replace(entries, [_with_axes(entry, specs) for entry in found])


def _with_axes(entry: Any, specs: dict[str, Any]) -> Any:
    if entry.name not in specs:
        return entry
    kind = entry.type.tensor_type.elem_type
    return helper.make_tensor_value_info(entry.name, kind, specs[entry.name].axes)


def prune(graph: Any) -> None:
    """Removes the nodes and constants that nothing uses any more."""
    needed = {entry.name for entry in graph.output}
    for entry in reversed(graph.node):
        if needed.intersection(entry.output):
            needed.update(entry.input)
    for entries in (graph.node, graph.initializer):
        replace(entries, [entry for entry in entries if needed.intersection(_made_by(entry))])


def _made_by(entry: Any) -> Iterator[str]:
    """The tensors that a node computes or an initializer holds."""
    yield from entry.output if isinstance(entry, onnx.NodeProto) else [entry.name]
