"""Smaller weights, as rewrites of the graph whose weights are still inputs.

No rewrite needs the values of a weight, so each is read, converted and written by itself,
whatever the size of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onnx import TensorProto, helper

from . import blocks as onnx_blocks
from . import outliers
from .graph import CONTRIBUTED, View, attribute, constant, node, replace
from .weights import Weight, Weights, of_array

# Inputs of one output that share a scale in the 4-bit format.
BLOCK_SIZE = 32
# Lets a runtime round activations to 8 bits by block: on MiniLM's hidden states this costs
# 0.0004 of cosine, and products of integers are the faster ones on CPUs.
_INTEGER_PRODUCTS = 4


def float32(model: Any, weights: Weights) -> tuple[Any, Weights]:
    """Leaves all as it is."""
    return model, weights


def float16(model: Any, weights: Weights) -> tuple[Any, Weights]:
    """All but the outputs in half precision; normalisations add up in float32."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    outputs = [entry.name for entry in model.graph.output]
    model = convert_float_to_float16(model, keep_io_types=outputs, disable_shape_infer=True)
    return model, {
        name: weight.map(onnx_blocks.half, "float16") for name, weight in weights.items()
    }


def int8(model: Any, weights: Weights) -> tuple[Any, Weights]:
    """Weights as 8-bit integers, the activations of products quantised on the fly."""
    return _quantised(*outliers.tame(model, weights), None)


def int4(model: Any, weights: Weights, *, block_size: int = BLOCK_SIZE) -> tuple[Any, Weights]:
    """Kernels as 4-bit integers in blocks, tables as 8-bit integers."""
    return _quantised(model, weights, block_size)


PRECISIONS: Mapping[str, Callable[[Any, Weights], tuple[Any, Weights]]] = {
    "float32": float32,
    "float16": float16,
    "int8": int8,
    "int4": int4,
}


def _quantised(model: Any, weights: Weights, block_size: int | None) -> tuple[Any, Weights]:
    quantiser = _Quantiser(model, weights)
    for name in weights:
        axis = quantiser.output_axis(name)
        if axis == 1 and block_size:
            quantiser.pack(name, block_size)
        elif axis is not None:
            quantiser.round(name, axis)
    return model, quantiser.finish()


class _Quantiser:
    """Replaces the products and lookups of weights, one weight after the other."""

    def __init__(self, model: Any, weights: Weights) -> None:
        self.model = model
        self.graph = model.graph
        self.view = View(model.graph)
        self.weights = dict(weights)
        self.done: set[str] = set()
        self.activations: dict[str, Any] = {}
        self.nodes: dict[str, list[Any]] = {}

    def output_axis(self, name: str) -> int | None:
        """The axis of a matrix that products and lookups put out, if it has no other use.

        A kernel ``(in, out)`` has 1. A table has 0: its rows are put out one by one, and as
        the outputs of a product when it is transposed for one.
        """
        if len(self.weights[name].shape) != 2 or self.weights[name].dtype != "float32":
            return None
        axes = {self._axis(user, name) for user in self.view.users[name]}
        return axes.pop() if len(axes) == 1 else None

    def _axis(self, user: Any, name: str) -> int | None:
        if user.op_type == "MatMul":
            return 1 if list(user.input).index(name) == 1 else None
        if user.op_type in ("Gather", "Slice"):
            return 0 if user.input[0] == name and self._takes_rows(user) else None
        users = self.view.users[user.output[0]] if user.op_type == "Transpose" else []
        products = [self._axis(product, user.output[0]) == 1 for product in users]
        return 0 if products and all(products) else None

    def _takes_rows(self, user: Any) -> bool:
        """Whether a lookup or a cut leaves rows whole."""
        if user.op_type == "Gather":
            return attribute(user, "axis", 0) == 0
        return len(user.input) > 3 and self.view.scalar(user.input[3]) == 0

    def _take(self, name: str) -> Weight:
        self.done.add(name)
        return self.weights.pop(name)

    def round(self, name: str, axis: int) -> None:
        """8 bits, one scale for each output."""
        weight = self._take(name)
        scale = onnx_blocks.eight_bit_scale(weight.read(), axis)
        rounded, scales = f"{name}_quantized", f"{name}_scale"
        self.weights[scales] = of_array(scale)
        self.weights[rounded] = weight.map(
            lambda array: onnx_blocks.eight_bit(array, scale, axis), "int8"
        )
        for user in self.view.users[name]:
            self._rewrite(user, rounded, scales)

    def _rewrite(self, user: Any, rounded: str, scales: str) -> None:
        if user.op_type == "Transpose":
            user.input[0] = rounded
            for product in self.view.users[user.output[0]]:
                self._multiply(product, user.output[0], scales)
        elif user.op_type == "MatMul":
            self._multiply(user, rounded, scales)
        else:
            self._look_up(user, rounded, scales)

    def _multiply(self, product: Any, rounded: str, scales: str) -> None:
        """A product of integers. onnxruntime joins these nodes to one."""
        given, result = product.input[0], product.output[0]
        steps, step, zero = (f"{given}_{part}" for part in ("quantized", "scale", "zero_point"))
        # Products of the same activation share its integers.
        self.activations[steps] = helper.make_node(
            "DynamicQuantizeLinear", [given], [steps, step, zero]
        )
        self.nodes[result] = [
            node("MatMulInteger", [steps, rounded, zero], f"{result}_integer"),
            node("Cast", [f"{result}_integer"], f"{result}_float", to=TensorProto.FLOAT),
            node("Mul", [step, scales], f"{result}_step"),
            node("Mul", [f"{result}_float", f"{result}_step"], result),
        ]

    def _look_up(self, user: Any, rounded: str, scales: str) -> None:
        """Rows of a table, by their ids or as a cut, each with its scale."""
        result, (_, *which) = user.output[0], user.input
        last_axis = constant(self.graph, "last_axis", [-1])
        self.nodes[result] = [
            node(user.op_type, [rounded, *which], f"{result}_integer"),
            node("Cast", [f"{result}_integer"], f"{result}_float", to=TensorProto.FLOAT),
            node(user.op_type, [scales, *which], f"{result}_scales"),
            node("Unsqueeze", [f"{result}_scales", last_axis], f"{result}_step"),
            node("Mul", [f"{result}_float", f"{result}_step"], result),
        ]

    def pack(self, name: str, block_size: int) -> None:
        """4 bits, one scale and zero point for each block of inputs of each output."""
        kernel = self._take(name)
        values = onnx_blocks.four_bit(kernel.read(), block_size)
        names = [f"{name}_{part}" for part in ("packed", "scales", "zero_points")]
        self.weights |= dict(zip(names, map(of_array, values), strict=True))
        sizes = dict(zip("KN", kernel.shape, strict=True), bits=4, block_size=block_size)
        sizes["accuracy_level"] = _INTEGER_PRODUCTS
        for product in self.view.users[name]:
            result, inputs = product.output[0], [product.input[0], *names]
            made = node("MatMulNBits", inputs, result, domain=CONTRIBUTED, **sizes)
            self.nodes[result] = [made]

    def finish(self) -> Weights:
        """Puts the new nodes in place of the old ones; returns the new weights."""
        made: list[Any] = []
        for old in self.graph.node:
            for new in self.nodes.get(old.output[0], [old]):
                made += [self.activations.pop(n) for n in new.input if n in self.activations]
                made.append(new)
        replace(self.graph.node, made)
        replace(self.graph.input, [e for e in self.graph.input if e.name not in self.done])
        if any(new.domain == CONTRIBUTED for new in made):
            self.model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))
        return self.weights
