"""Fixed scales for what products take and make. TensorFlow only.

A product with 8-bit weights finds a scale for each row of its activations as it comes. With
scales known beforehand it works on integers alone; but then one scale has to do for numbers
that differ by orders of magnitude from place to place of a row. So the rows are evened out
first, in float32: a product's inputs are divided by factors that its weights are multiplied
with, and its outputs the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from .model import Graph
from .ranges import Reach, weight_name
from .weights import weights_of

# How much of the unevenness of the inputs goes into the weights: all of it would leave them no
# steps. Measured on MiniLM, 0.5 to 1.
_SHARE = 0.7
_LEAST = 1e-4


class Steps(NamedTuple):
    """One row of the table of activation types.

    Attributes:
        of: least and greatest number to scale and zero point.
        evened: whether products are evened out first, see ``even_out``; 16 bits have steps
            enough, and the weights lose some by it.
        bias: type of the bias.
        versions: of QUANTIZE and DEQUANTIZE for this type.
    """

    of: Callable[[float, float], tuple[float, int]]
    evened: bool
    bias: str
    versions: tuple[int, int]


def _to_int8(least: float, greatest: float) -> tuple[float, int]:
    least, greatest = min(least, 0.0), max(greatest, _LEAST)
    scale = (greatest - least) / 255
    return scale, round(-128 - least / scale)


def _to_int16(least: float, greatest: float) -> tuple[float, int]:
    return max(-least, greatest, _LEAST) / 32767, 0


STEPS: Mapping[str, Steps] = {
    "int8": Steps(_to_int8, True, "int32", (1, 2)),
    "int16": Steps(_to_int16, False, "int64", (2, 3)),
}
# That of products with integers all through and a scale for each output.
_PRODUCT_VERSION = 12


def even_out(model: Any, reaches: Mapping[str, Reach]) -> dict[str, Reach]:
    """Evens out what the products of a float32 model take and make; its outputs stay the same.

    Args:
        model: a ``ModelT`` with one subgraph.
        reaches: as ``observe`` found them.

    Returns:
        What they would be of the changed model.
    """
    graph, changed = Graph(model), {}

    def around(product: Any) -> list[Any]:
        name = weight_name(graph, product)
        operators, changed[name] = _evened(graph, product, reaches[name])
        return operators

    _replace_products(graph, around)
    return changed


def fix_activations(
    model: Any, dtype: str, reaches: Mapping[str, Reach], store: Callable[[Any], Any]
) -> None:
    """Lets the products of a model work on integers of fixed scales.

    Args:
        model: a ``ModelT`` with one subgraph and float32 weights.
        dtype: key of ``STEPS``.
        reaches: as ``observe`` found them.
        store: gives the weights of a model 8 bits.
    """
    if STEPS[dtype].evened:
        reaches = even_out(model, reaches)
    store(model)
    graph = Graph(model)
    _replace_products(
        graph,
        lambda product: _fixed(graph, product, dtype, reaches[weight_name(graph, product)]),
    )


def _replace_products(graph: Graph, around: Callable[[Any], list[Any]]) -> None:
    """Puts what ``around`` makes of a product in its place."""
    weights, operators = set(weights_of(graph)), []
    for operator in graph.graph.operators:
        is_product = graph.kind(operator) == "FULLY_CONNECTED"
        stored = is_product and weight_name(graph, operator) in weights
        operators += around(operator) if stored else [operator]
    graph.graph.operators = operators


def _evened(graph: Graph, product: Any, reach: Reach) -> tuple[list[Any], Reach]:
    (inputs, weight, bias), outputs = product.inputs, product.outputs[0]
    values = graph.value(weight)
    taken = _input_factors(reach.inputs, values)
    made = _largest(reach.outputs)
    made /= made.max()
    name = weight_name(graph, product)
    graph.set_constant(weight, values * taken / made[:, None])
    if bias >= 0:
        product.inputs[2] = graph.add_constant(f"{name}/bias", graph.value(bias) / made)
    product.inputs[0], divide = _multiplied(graph, f"{name}/inputs", inputs, 1 / taken)
    product.outputs = [graph.add_tensor(f"{name}/outputs", graph.shape(outputs))]
    _, restore = _multiplied(graph, f"{name}/restored", product.outputs[0], made, outputs)
    return [divide, product, restore], Reach(reach.inputs / taken, reach.outputs / made)


def _largest(extremes: np.ndarray) -> np.ndarray:
    largest = np.abs(extremes).max(axis=0)
    return np.maximum(largest, max(largest.max(), 1e-30) * _LEAST).astype("float32")


def _input_factors(extremes: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Greater where inputs are large, smaller where weights are."""
    weights = _largest(weight)
    factors = _largest(extremes) ** _SHARE / weights ** (1 - _SHARE)
    return (factors / factors.mean()).astype("float32")


def _multiplied(
    graph: Graph, name: str, tensor: int, factors: np.ndarray, result: int | None = None
) -> tuple[int, Any]:
    made = graph.add_tensor(name, graph.shape(tensor)) if result is None else result
    return made, graph.operator("MUL", [tensor, graph.add_constant(name, factors)], [made])


def _fixed(graph: Graph, product: Any, dtype: str, reach: Reach) -> list[Any]:
    """The product on integers, between operators that make them and take them back."""
    name, steps = weight_name(graph, product), STEPS[dtype]
    inputs, outputs = product.inputs[0], product.outputs[0]
    taken = _integers(graph, f"{name}/taken", inputs, dtype, reach.inputs)
    made = _integers(graph, f"{name}/made", outputs, dtype, reach.outputs)
    if product.inputs[2] >= 0:
        product.inputs[2] = _integer_bias(graph, product, taken, steps.bias)
    product.inputs[0], product.outputs = taken, [made]
    product.opcodeIndex = graph.code("FULLY_CONNECTED", _PRODUCT_VERSION)
    first, last = steps.versions
    return [
        graph.operator("QUANTIZE", [inputs], [taken], first),
        product,
        graph.operator("DEQUANTIZE", [made], [outputs], last),
    ]


def _integers(graph: Graph, name: str, like: int, dtype: str, extremes: np.ndarray) -> int:
    """Adds a tensor of integers that reach from the least to the greatest number."""
    scale, zero = STEPS[dtype].of(float(extremes.min()), float(extremes.max()))
    tensor = graph.add_tensor(name, graph.shape(like), dtype)
    _set_scales(graph, tensor, np.array([scale]), zero)
    return tensor


def _integer_bias(graph: Graph, product: Any, taken: int, dtype: str) -> int:
    """The bias in steps of the inputs times those of the weights, as the sums are."""
    scales = [graph.graph.tensors[t].quantization.scale for t in (taken, product.inputs[1])]
    step = scales[0].astype("float64") * scales[1]
    values = np.rint(np.broadcast_to(graph.value(product.inputs[2]), step.shape) / step)
    tensor = graph.add_constant(f"{weight_name(graph, product)}/bias", values.astype(dtype))
    _set_scales(graph, tensor, step, 0)
    return tensor


def _set_scales(graph: Graph, tensor: int, scales: np.ndarray, zero: int) -> None:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.astype("float32")
    quantization.zeroPoint = np.full(len(scales), zero, "int64")
    graph.graph.tensors[tensor].quantization = quantization
