"""What is done to a TFLite graph after its conversion: fewer operators, the same numbers.

TensorFlow only. The graph has an open length: -1 in the shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .model import Graph


def make_lean(model: Any, weights: Mapping[str, np.ndarray]) -> None:
    """Applies all passes to the one subgraph of a freshly converted model.

    Args:
        model: a ``ModelT``.
        weights: values of the Keras model's variables by path; constants that hold them get
            their names.
    """
    name_weights(Graph(model), weights)
    for change in (plain_lookups, _multiply_unflattened, _join_projections, look_up_words):
        change(Graph(model))


def name_weights(graph: Graph, weights: Mapping[str, np.ndarray]) -> None:
    """Calls each table and each kernel, which lie transposed, like its variable."""
    samples = {path: _sample(value) for path, value in weights.items() if value.ndim == 2}
    transposed = {path: _sample(weights[path].T) for path in samples}
    for name, known in (("GATHER", samples), ("FULLY_CONNECTED", transposed)):
        for user in graph.of_kind(name):
            tensor = user.inputs[0 if name == "GATHER" else 1]
            value = graph.constant(tensor)
            path = None if value is None else _same(_sample(value), known)
            if path is not None:
                graph.graph.tensors[tensor].name = path.encode()


def _sample(value: np.ndarray) -> np.ndarray:
    """The shape, and some entries up to a factor: the converter scales queries beforehand."""
    entries = value.reshape(-1)[:: max(1, value.size // 256)].astype("float64")
    return np.concatenate([value.shape, entries / max(np.linalg.norm(entries), 1e-30)])


def _same(sample: np.ndarray, known: Mapping[str, np.ndarray]) -> str | None:
    for path, other in known.items():
        if len(sample) == len(other) and np.allclose(sample, other, rtol=1e-4, atol=1e-6):
            return path
    return None


def plain_lookups(graph: Graph) -> None:
    """Takes ids as they are: ``keras.ops.take`` lets negative ones count from the end."""
    for lookup in graph.of_kind("GATHER"):
        chosen = graph.maker(lookup.inputs[1], "SELECT_V2")
        if chosen is None or graph.maker(chosen.inputs[0], "LESS") is None:
            continue
        if graph.maker(chosen.inputs[1], "ADD") is not None:
            lookup.inputs[1] = chosen.inputs[2]


def _multiply_unflattened(graph: Graph) -> None:
    """Lets products take and give ``(1, S, H)``: TFLite's flatten it themselves."""
    for product in graph.of_kind("FULLY_CONNECTED"):
        flattened = graph.maker(product.inputs[0], "RESHAPE")
        restored = graph.only_user(product.outputs[0], "RESHAPE")
        units = graph.shape(product.outputs[0])[-1]
        if restored is not None and graph.shape(restored.outputs[0]) != (1, -1, units):
            restored = None
        if flattened is None:
            continue
        source = graph.shape(flattened.inputs[0])
        if source[-1] == graph.shape(flattened.outputs[0])[-1]:
            product.inputs[0] = flattened.inputs[0]
        elif restored is not None:
            _reshape_to(graph, product, flattened)
        if restored is not None:
            product.builtinOptions.keepNumDims = True
            product.outputs = [restored.outputs[0]]
            graph.graph.operators = [o for o in graph.graph.operators if o is not restored]
            _raise_version(graph, product)
    graph.refresh()


def _reshape_to(graph: Graph, product: Any, flattened: Any) -> None:
    """Flattens heads to ``(1, S, H)`` and not to ``(S, H)``."""
    width = graph.shape(flattened.outputs[0])[-1]
    result = graph.add_tensor("joined_heads", (1, -1, width))
    reshape = _reshape(graph, "three_axes", flattened.inputs[0], [1, -1, width], result)
    graph.place([reshape], before=product)
    product.inputs[0] = result


def _raise_version(graph: Graph, product: Any) -> None:
    """``keepNumDims`` came with version 5 of the operator."""
    options = product.builtinOptions
    newer = graph.operator("FULLY_CONNECTED", product.inputs, product.outputs, version=5)
    product.opcodeIndex = newer.opcodeIndex
    product.builtinOptions = options


def _join_projections(graph: Graph) -> None:
    """Makes one product of those for queries, keys and values, and cuts its result.

    Three times a product, a reshape and a transposition become one of each and a split.
    """
    for scores in graph.of_kind("BATCH_MATMUL"):
        context = _next_product(graph, scores.outputs[0])
        if context is None:
            continue
        heads = (*scores.inputs, context.inputs[1])
        found = [chain for tensor in heads if (chain := _projection(graph, tensor))]
        # What others use has to stay, and would be computed twice.
        if any(len(graph.users[int(step.outputs[0])]) > 1 for chain in found for step in chain):
            continue
        if len(found) == 3 and len({int(chain[0].inputs[0]) for chain in found}) == 1:
            _join(graph, found, scores, context)
            graph.refresh()


def _projection(graph: Graph, tensor: int) -> tuple[Any, Any, Any] | None:
    """Product, reshape and transposition that end in a tensor of heads."""
    transposed = graph.maker(tensor, "TRANSPOSE")
    reshaped = transposed and graph.maker(transposed.inputs[0], "RESHAPE")
    product = reshaped and graph.maker(reshaped.inputs[0], "FULLY_CONNECTED")
    return (product, reshaped, transposed) if product is not None else None


def _next_product(graph: Graph, tensor: int) -> Any:
    """The product of the probabilities that follow from some scores."""
    added = graph.only_user(tensor, "ADD")
    softmax = graph.only_user(added.outputs[0], "SOFTMAX") if added is not None else None
    users = graph.users[int(softmax.outputs[0])] if softmax is not None else []
    products = [user for user in users if graph.kind(user) == "BATCH_MATMUL"]
    return products[0] if len(products) == 1 else None


def _join(graph: Graph, chains: list[Any], scores: Any, context: Any) -> None:
    products = [chain[0] for chain in chains]
    kernels = np.concatenate([graph.value(product.inputs[1]) for product in products])
    biases = np.concatenate([_bias(graph, product) for product in products])
    _, _, heads, size = graph.shape(chains[0][1].outputs[0])
    joined = graph.add_tensor("qkv", (-1, len(kernels)))
    cut = graph.add_tensor("qkv_heads", (1, -1, 3 * heads, size))
    turned = graph.add_tensor("qkv_transposed", (1, 3 * heads, -1, size))
    parts = [graph.add_tensor(f"{name}_heads", (1, heads, -1, size)) for name in "qkv"]
    constants = {
        "weights": graph.add_constant(_joined_name(graph, products), kernels),
        "bias": graph.add_constant("qkv_bias", biases),
        "order": graph.add_constant("heads_first", np.array([0, 2, 1, 3], "int32")),
        "axis": graph.add_constant("axis_of_heads", np.array(1, "int32")),
    }
    product = graph.operator(
        "FULLY_CONNECTED",
        [products[0].inputs[0], constants["weights"], constants["bias"]],
        [joined],
    )
    reshape = _reshape(graph, "qkv_shape", joined, [1, -1, 3 * heads, size], cut)
    transpose = graph.operator("TRANSPOSE", [cut, constants["order"]], [turned])
    split = graph.operator("SPLIT", [constants["axis"], turned], parts, numSplits=3)
    operators = graph.graph.operators
    first = min(operators.index(p) for p in products)
    graph.place([product, reshape, transpose, split], before=operators[first])
    scores.inputs, context.inputs[1] = parts[:2], parts[2]
    scores.builtinOptions.adjY = True


def _bias(graph: Graph, product: Any) -> np.ndarray:
    """The bias of a product; the converter leaves zeros out."""
    value = graph.value(product.inputs[2]) if product.inputs[2] >= 0 else np.zeros((), "float32")
    return np.broadcast_to(value, graph.shape(product.inputs[1])[:1])


def _joined_name(graph: Graph, products: list[Any]) -> str:
    """``…/attention/qkv/kernel`` for ``…/attention/query/kernel`` and so on."""
    names = [graph.graph.tensors[product.inputs[1]].name.decode() for product in products]
    scopes = {name.rpartition("/")[0].rpartition("/")[0] for name in names}
    return f"{scopes.pop()}/qkv/kernel" if len(scopes) == 1 else "qkv/kernel"


def look_up_words(graph: Graph) -> None:
    """Turns the lookup in the largest table into an EMBEDDING_LOOKUP, which can be quantised.

    That operator takes ids of one axis, and the model sees one row at a time.
    """
    lookups = [each for each in graph.of_kind("GATHER") if len(graph.shape(each.inputs[0])) == 2]
    if not lookups:
        return
    words = max(lookups, key=lambda lookup: graph.shape(lookup.inputs[0])[0])
    table, ids = words.inputs
    width = graph.shape(table)[1]
    flat = graph.add_tensor("flat_ids", (-1,), "int32")
    rows = graph.add_tensor("word_rows", (-1, width))
    to_flat = _reshape(graph, "one_axis", ids, [-1], flat)
    lookup = graph.operator("EMBEDDING_LOOKUP", [flat, table], [rows])
    to_rows = _reshape(graph, "one_row", rows, [1, -1, width], words.outputs[0])
    graph.place([to_flat, lookup, to_rows], before=words)
    graph.graph.operators = [o for o in graph.graph.operators if o is not words]


def _reshape(graph: Graph, name: str, tensor: int, shape: list[int], reshaped: int) -> Any:
    target = graph.add_constant(name, np.array(shape, "int32"))
    operator = graph.operator("RESHAPE", [tensor, target], [reshaped])
    operator.builtinOptions.newShape = shape
    return operator
