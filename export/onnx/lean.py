"""Fewer nodes for the same numbers: what Keras and tf2onnx write in a roundabout way."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import onnx

from .graph import View, attribute, constant, node, prune, replace


def look_up_plainly(graph_def: Any) -> None:
    """Lets lookups take their indices as they are, in a TensorFlow graph.

    Keras adds the number of rows to indices below 0; ONNX's Gather counts those from the
    end by itself.
    """
    makers = {entry.name: entry for entry in graph_def.node}

    def kind(name: str) -> str:
        return makers[name].op if name in makers else ""

    for gather in [entry for entry in graph_def.node if entry.op == "GatherV2"]:
        chosen = makers.get(gather.input[1])
        if chosen is None or [kind(n) for n in chosen.input[:2]] != ["Less", "AddV2"]:
            continue
        given = chosen.input[2]
        below, wrapped = (makers[name] for name in chosen.input[:2])
        if below.input[0] == given and given in wrapped.input:
            gather.input[1] = given


def look_up_by_long(model: Any) -> Any:
    """Lets lookups take int64 inputs without a cast to int32."""
    long = {
        entry.name
        for entry in model.graph.input
        if entry.type.tensor_type.elem_type == onnx.TensorProto.INT64
    }
    view = View(model.graph)
    for gather in [entry for entry in model.graph.node if entry.op_type == "Gather"]:
        cast = view.maker(gather.input[1], "Cast")
        if cast is not None and cast.input[0] in long:
            gather.input[1] = cast.input[0]
    prune(model.graph)
    return model


def normalise_at_once(model: Any) -> Any:
    """Writes the nine nodes of a layer normalisation as ONNX's own operator."""
    view = View(model.graph)
    found = [_normalisation(view, entry) for entry in model.graph.node if entry.op_type == "Div"]
    ends = {made.output[0]: made for made in found if made is not None}
    replace(model.graph.node, [ends.get(e.output[0], e) for e in model.graph.node])
    prune(model.graph)
    return model


def _normalisation(view: View, quotient: Any) -> Any | None:
    """The operator for ``(x - mean) / sqrt(variance + epsilon) * gamma``, or with ``+ beta``."""
    centred, root = view.maker(quotient.input[0], "Sub"), view.maker(quotient.input[1], "Sqrt")
    scaled = view.only_user(quotient.output[0], "Mul")
    steadied = root and view.maker(root.input[0], "Add")
    if centred is None or steadied is None or scaled is None:
        return None
    known = view.split(steadied)
    mean = view.maker(centred.input[1], "ReduceMean")
    variance = known and view.maker(known[0], "ReduceMean")
    square = variance and view.maker(variance.input[0], "Mul")
    if known is None or mean is None or square is None or set(square.input) != {centred.output[0]}:
        return None
    if mean.input[0] != centred.input[0] or {_last_axis(mean), _last_axis(variance)} != {True}:
        return None
    ends, inputs = scaled, [_other(scaled, quotient)]
    shifted = view.only_user(scaled.output[0], "Add")
    if shifted is not None and view.ranks.get(_other(shifted, scaled)) == 1:
        ends, inputs = shifted, [*inputs, _other(shifted, scaled)]
    if view.ranks.get(inputs[0]) != 1:
        return None
    inputs = [centred.input[0], *inputs]
    return node("LayerNormalization", inputs, ends.output[0], axis=-1, epsilon=known[1])


def _last_axis(mean: Any) -> bool:
    return list(attribute(mean, "axes", ())) in ([-1], [2]) and attribute(mean, "keepdims", 1) == 1


def _other(of: Any, maker: Any) -> str:
    """The input of a node that the maker of the other one does not make."""
    (name,) = [name for name in of.input if name != maker.output[0]]
    return name


def gelu_as_known(model: Any) -> Any:
    """Writes exact GELU in the form that runtimes look for: ``x * (erf(x / √2) + 1) * 0.5``."""
    graph, view = model.graph, View(model.graph)
    new: dict[str, list[Any]] = {}
    for erf in [entry for entry in graph.node if entry.op_type == "Erf"]:
        found = _gelu(view, erf)
        if found is not None:
            new[found[1]] = _known_gelu(graph, *found)
    replace(graph.node, [n for old in graph.node for n in new.get(old.output[0], [old])])
    prune(graph)
    return model


def _gelu(view: View, erf: Any) -> tuple[str, str] | None:
    """Names of what goes into and comes out of ``0.5 * x * (1 + erf(x / √2))``."""
    narrowed = view.maker(erf.input[0], "Mul")
    raised = view.only_user(erf.output[0], "Add")
    result = raised and view.only_user(raised.output[0], "Mul")
    half = result and view.maker(_other(result, raised), "Mul")
    if narrowed is None or half is None or result is None:
        return None
    inner, one, outer = view.split(narrowed), view.split(raised), view.split(half)
    if inner is None or one is None or outer is None or inner[0] != outer[0]:
        return None
    # Constants are float32.
    numbers = (inner[1] * math.sqrt(2), one[1], outer[1] * 2)
    close = all(math.isclose(number, 1, rel_tol=1e-6) for number in numbers)
    return (inner[0], result.output[0]) if close else None


def _known_gelu(graph: Any, x: str, result: str) -> list[Any]:
    numbers = {"sqrt_two": math.sqrt(2), "one": 1.0, "half": 0.5}
    root, one, half = (constant(graph, k, np.float32(v)) for k, v in numbers.items())
    steps = [f"{result}_{part}" for part in ("narrowed", "erf", "raised", "doubled")]
    return [
        node("Div", [x, root], steps[0]),
        node("Erf", [steps[0]], steps[1]),
        node("Add", [steps[1], one], steps[2]),
        node("Mul", [x, steps[2]], steps[3]),
        node("Mul", [steps[3], half], result),
    ]


def scale_scores(model: Any) -> Any:
    """Divides scores by a number where the query was multiplied by its inverse before.

    onnxruntime makes one operator of a product and a number behind it, and its fusion of
    attention looks for this order.
    """
    graph, view = model.graph, View(model.graph)
    for product in [entry for entry in graph.node if entry.op_type == "MatMul"]:
        turned = view.maker(product.input[0], "Transpose")
        scaled = turned and view.maker(turned.input[0], "Mul")
        found = scaled and view.split(scaled)
        # What else is multiplied with the query would be divided by nothing.
        if turned is not None and found and view.only_user(turned.output[0], "MatMul"):
            turned.input[0], scores = found[0], product.output[0]
            product.output[0] = f"{scores}_unscaled"
            divisor = constant(graph, f"{scores}_divisor", np.float32(1 / found[1]))
            quotient = node("Div", [product.output[0], divisor], scores)
            graph.node.insert(list(graph.node).index(product) + 1, quotient)
    prune(graph)
    return model


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
    view = View(model.graph)
    for product in [entry for entry in model.graph.node if entry.op_type == "MatMul"]:
        flattened = _flattened(view, product)
        if flattened is not None:
            _unflatten(model.graph, view, flattened)
    prune(model.graph)
    del model.graph.value_info[:]  # it described the flattened tensors
    return model


class _Flattened(NamedTuple):
    """A product between two reshapes, and what the second one restores."""

    before: Any
    product: Any
    ends: Any  # the addition of the bias, or without one the product
    after: Any
    leading: int
    trailing: tuple[int, ...]


def _flattened(view: View, product: Any) -> _Flattened | None:
    """The neighbours of a product if they are a flattening and its opposite."""
    before = view.maker(product.input[0], "Reshape")
    ends = view.only_user(product.output[0], "Add") or product
    after = view.only_user(ends.output[0], "Reshape")
    if before is None or after is None:
        return None
    sizes = _sizes(view, after.input[1])
    leading = sizes.count(None)
    trailing = tuple(size for size in sizes[leading:] if size is not None)
    if leading < 2 or len(trailing) != len(sizes) - leading:
        return None  # with fewer than two open axes no arithmetic was needed
    return _Flattened(before, product, ends, after, leading, trailing)


def _sizes(view: View, name: str) -> list[int | None]:
    """A shape tensor's entries: constants, and ``None`` for what is computed."""
    maker = view.makers.get(name)
    while maker is not None and maker.op_type == "Cast":
        maker = view.makers.get(maker.input[0])
    if maker is None or maker.op_type != "Concat":
        return []
    known = [view.constants.get(entry) for entry in maker.input]
    return [None if value is None else int(value.item()) for value in known]


def _unflatten(graph: Any, view: View, found: _Flattened) -> None:
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
        found.ends.output[0] = result


def _shape(graph: Any, shape: tuple[int, ...]) -> str:
    return constant(graph, "shape_" + "_".join(map(str, shape)), list(shape))


# In this order.
LEAN = (multiply_unflattened, normalise_at_once, gelu_as_known, scale_scores, look_up_by_long)
