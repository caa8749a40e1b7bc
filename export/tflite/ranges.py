"""How far the numbers around each product reach on real texts. TensorFlow only."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .model import Graph, read


class Reach(NamedTuple):
    """The least and greatest numbers seen at a product.

    Attributes:
        inputs: ``(2, width)``.
        outputs: ``(2, units)``.
    """

    inputs: np.ndarray
    outputs: np.ndarray


def observe(content: bytes, batches: Iterable[Mapping[str, np.ndarray]]) -> dict[str, Reach]:
    """Runs texts through a float32 file and looks at what its products take and make.

    Args:
        content: the file, its length open: rows of padding would be looked at too.
        batches: inputs by name, one text each.

    Returns:
        By the name of each product's weight.
    """
    from ai_edge_litert.interpreter import Interpreter

    options = {"num_threads": os.cpu_count(), "experimental_preserve_all_tensors": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that keeping all tensors takes memory
        interpreter = Interpreter(model_content=content, **options)
    run, graph = interpreter.get_signature_runner(), Graph(read(content))
    places = {
        weight_name(graph, product): (product.inputs[0], product.outputs[0])
        for product in graph.of_kind("FULLY_CONNECTED")
    }
    found: dict[str, Reach] = {}
    for batch in batches:
        run(**batch)
        for name, tensors in places.items():
            seen = Reach(*(_extremes(interpreter.get_tensor(tensor)) for tensor in tensors))
            found[name] = _union(found[name], seen) if name in found else seen
    return found


def weight_name(graph: Graph, product: Any) -> str:
    """Name of the weight of a product."""
    return graph.graph.tensors[product.inputs[1]].name.decode()


def _extremes(values: np.ndarray) -> np.ndarray:
    rows = values.reshape(-1, values.shape[-1])
    return np.stack([rows.min(axis=0), rows.max(axis=0)])


def _union(one: Reach, other: Reach) -> Reach:
    def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.stack([np.minimum(a[0], b[0]), np.maximum(a[1], b[1])])

    return Reach(joined(one.inputs, other.inputs), joined(one.outputs, other.outputs))
