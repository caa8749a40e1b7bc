"""Takes care of few large activations before products are rounded to integers.

The activations of a product share one range of steps. In a trained BERT a few are ten times as
large as all others, which then share the few steps that are left. Where that happens is seen
in the weights, so no data is needed, and the graph computes what it did before.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import onnx

from .graph import View, constant, node, replace
from .weights import Weights

# A neuron stands out whose outgoing weights are so many times the median in norm. Of MiniLM's
# 9216 these are 5; with 3 times they are 9 and no better, with 5 times the cosine of hidden states
# is 0.001 lower.
_OUTSTANDING = 4
# How far from its mean, in standard deviations, a normalised value is expected.
_REACH = 3
_VALUE_BY_VALUE = frozenset({"Add", "Div", "Erf", "Mul", "Pow", "Relu", "Sigmoid", "Tanh"})


def tame(model: Any, weights: Weights) -> tuple[Any, Weights]:
    """Both rewrites; weights are still inputs of the graph."""
    weights = dict(weights)
    _take_neurons_out(model.graph, weights)
    _even_normalised(model.graph, weights)
    return model, weights


def _even_normalised(graph: Any, weights: Weights) -> None:
    """Divides what a product takes from a normalisation by what each value can reach.

    The kernel's rows are multiplied by the same. Only for a normalisation with one product:
    where queries, keys and values share its integers, hidden states of MiniLM got 0.001 worse.
    """
    view = View(graph)
    new: dict[str, list[Any]] = {}
    for norm in [entry for entry in graph.node if entry.op_type == "LayerNormalization"]:
        values, (_, gamma, beta) = norm.output[0], norm.input
        products = [user for user in view.users[values] if _multiplies(view, user, weights)]
        if len(products) == 1:
            # A trifle more, so that what is always 0 is not divided by 0.
            reach = _REACH * np.abs(weights[gamma].read()) + np.abs(weights[beta].read()) + 1e-6
            share = constant(graph, f"{values}_share", (1 / reach).astype("float32"))
            (_, kernel), products[0].input[0] = products[0].input, f"{values}_even"
            new[values] = [norm, node("Mul", [values, share], f"{values}_even")]
            weights[kernel] = weights[kernel].map(functools.partial(_with_rows, reach), "float32")
    replace(graph.node, [n for old in graph.node for n in new.get(old.output[0], [old])])


def _multiplies(view: View, product: Any, weights: Weights) -> bool:
    """Whether a node multiplies by a kernel that no other node uses."""
    kernel = product.input[1] if product.op_type == "MatMul" else None
    if kernel not in weights or weights[kernel].dtype != "float32":
        return False
    return len(view.users[kernel]) == 1


def _with_rows(factors: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return (kernel * factors[:, None]).astype("float32")


def _take_neurons_out(graph: Any, weights: Weights) -> None:
    """Computes outstanding neurons of feed-forwards in float, beside the others.

    What a neuron with large outgoing weights puts out is large too in a trained BERT: so it
    keeps a feature of the hidden states at one large value.
    """
    view = View(graph)
    new: dict[str, list[Any]] = {}
    for product in [entry for entry in graph.node if _multiplies(view, entry, weights)]:
        path = _hidden(view, product, weights)
        neurons = _outstanding(weights[product.input[1]].read())
        if path and neurons.size:
            apart = _apart(graph, weights, [*path, product], neurons)
            # Behind the bias, because onnxruntime joins a bias with its product.
            end = view.only_user(product.output[0], "Add") or product
            result, others = end.output[0], f"{end.output[0]}_others"
            end.output[0] = others
            new[others] = [end, *apart, node("Add", [others, apart[-1].output[0]], result)]
    replace(graph.node, [n for old in graph.node for n in new.get(old.output[0], [old])])


def _outstanding(kernel: np.ndarray) -> np.ndarray:
    """Indices of inputs whose weights are far larger than those of most."""
    norms = np.linalg.norm(kernel, axis=1)
    return np.flatnonzero(norms > _OUTSTANDING * np.median(norms))


def _hidden(view: View, product: Any, weights: Weights) -> list[Any]:
    """The product before this one and its activation, in order; empty if there is more to it.

    Neurons can be computed apart where each depends on no other and nothing else reads them.
    """
    found: dict[str, Any] = {}
    names = [product.input[0]]
    while names:
        name = names.pop()
        maker = view.makers.get(name)
        if maker is None and (name in weights or view.scalar(name) is not None):
            continue
        if maker is not None and maker.op_type in _VALUE_BY_VALUE:
            names += maker.input
        elif maker is None or not _multiplies(view, maker, weights):
            return []
        found[name] = maker
    path = [maker for name, maker in view.makers.items() if name in found]
    alone = all(_read_by(view, maker, [*path, product], weights) for maker in path)
    return path if alone and [m.op_type for m in path].count("MatMul") == 1 else []


def _read_by(view: View, maker: Any, readers: list[Any], weights: Weights) -> bool:
    """Whether only those nodes read what a node puts out and its weights."""
    names = {maker.output[0], *(name for name in maker.input if name in weights)}
    users = [user for name in names for user in view.users[name]]
    return not names & view.outputs and all(user in readers for user in users)


def _apart(graph: Any, weights: Weights, path: list[Any], neurons: np.ndarray) -> list[Any]:
    """The nodes of a path for some neurons only, whose weights become 0 in the path itself."""
    copies = [onnx.NodeProto.FromString(entry.SerializeToString()) for entry in path]
    made = {entry.output[0] for entry in path}
    for copy in copies:
        copy.ClearField("name")
        copy.output[0] += "_apart"
        axis = 0 if copy is copies[-1] else -1
        for position, name in enumerate(copy.input):
            if name in weights:
                part = np.take(weights[name].read(), neurons, axis)
                constant(graph, f"{name}_apart", part)
                without = functools.partial(_without, neurons, axis)
                weights[name] = weights[name].map(without, "float32")
            if name in made or name in weights:
                copy.input[position] += "_apart"
    return copies


def _without(neurons: np.ndarray, axis: int, array: np.ndarray) -> np.ndarray:
    rest = array.copy()
    np.moveaxis(rest, axis, -1)[..., neurons] = 0
    return rest
