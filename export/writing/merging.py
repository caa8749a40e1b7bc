"""Two ONNX graphs as one: the second goes on with what the first makes, or is given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import helper

from ..onnx.graph import node, replace
from ..signature import Signature, TensorSpec

_PAST = "past"


def merge(
    maker: Any, user: Any, signature: Signature, flag: str, given_back: Mapping[str, str]
) -> Any:
    """Lets a graph choose where a part of its inputs comes from.

    Args:
        maker: ONNX model; its weights may still be inputs.
        user: another, with the outputs of ``maker`` among its inputs; it becomes the result.
        signature: of the result, the outputs of ``maker`` among its outputs.
        flag: its input that is true where those outputs are given back.
        given_back: the outputs of ``maker``, each with the input that it comes back as.

    Returns:
        ONNX model of that signature; the weights of both are inputs.
    """
    graph = user.graph
    specs = {spec.name: spec for spec in signature.inputs}
    inputs = {entry.name: entry for entry in (*graph.input, *maker.graph.input)}
    weights = [x for name, x in inputs.items() if name not in specs and name not in given_back]
    # Names inside a branch must differ from those around it.
    new = onnx.compose.add_prefix(maker, f"{maker.graph.name}/", rename_inputs=False).graph
    past = {name: f"{_PAST}/{name}" for name in given_back}
    copies = [node("Identity", [source], past[name]) for name, source in given_back.items()]
    outputs = [_info(specs[source], past[name]) for name, source in given_back.items()]
    choice = helper.make_node(
        "If",
        [flag],
        list(given_back),
        then_branch=helper.make_graph(copies, _PAST, [], outputs),
        else_branch=helper.make_graph(new.node, new.name, [], new.output, new.initializer),
    )
    replace(graph.node, [choice, *graph.node])
    replace(graph.input, [*(_info(spec, spec.name) for spec in signature.inputs), *weights])
    replace(graph.output, [_info(spec, spec.name) for spec in signature.outputs])
    return user


def _info(spec: TensorSpec, name: str) -> Any:
    """A tensor as ONNX describes it."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return helper.make_tensor_value_info(name, kind, spec.axes)
