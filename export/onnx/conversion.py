"""From a Keras model to a small ONNX graph that takes its weights as inputs.

tf2onnx copies every constant in each of its passes, which takes minutes with the weights of a
BERT inside. So the model is traced with its weights as inputs, and the small graph converted.
TensorFlow and tf2onnx only.
"""

from __future__ import annotations

from typing import Any

import keras
import onnx
import tensorflow as tf

from ..signature import Signature
from ..tracing import refuse, tensor_specs
from .graph import name_axes
from .lean import LEAN, look_up_plainly

# The newest opset that clients of several years read; tf2onnx itself ends at 18.
OPSET = 17


def lean_graph(model: Any, signature: Signature) -> Any:
    """The ONNX model with its weights still among the inputs, called by their paths.

    That there are as many positions as ids is not stated, and shape inference does not see
    it. Where it is known, onnxruntime joins additions with the normalisations behind them, and
    its operator for both took six times as long as the two on a CPU (1.32).
    """
    converted = _convert(model, signature)
    for rewrite in LEAN:
        converted = rewrite(converted)
    name_axes(converted.graph, signature)
    return converted


def _convert(model: Any, signature: Signature) -> Any:
    """The ONNX model with the weights still as inputs, called by their variable paths."""
    from tf2onnx import optimizer, tf_loader, tfonnx

    traced = _trace(model, signature)
    sources = [tensor.name for tensor in traced.inputs]
    names = [*(spec.name for spec in signature.inputs), *(w.path for w in model.weights)]
    results = {x.name: name for name, x in traced.structured_outputs.items()}
    nodes = tf_loader.from_function(traced, sources, list(results))
    look_up_plainly(nodes)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(nodes, name="")
        converted = tfonnx.process_tf_graph(
            graph,
            opset=OPSET,
            continue_on_error=True,
            input_names=sources,
            output_names=list(results),
            tensors_to_rename={**dict(zip(sources, names, strict=True)), **results},
        )
    # To catch errors it would copy the graph before every pass.
    lean = optimizer.optimize_graph(converted, catch_errors=False, optimizers=_passes())
    proto = lean.make_model(model.name)
    unknown = {node.op_type for node in proto.graph.node if not onnx.defs.has(node.op_type)}
    if unknown:
        refuse("ONNX", unknown, traced.graph.get_operations())
    return proto


def _trace(model: Any, signature: Signature) -> Any:
    """The model as a function of its inputs, in the signature's order, and its weights."""
    weights = model.weights
    values = [tf.TensorSpec(w.shape, w.dtype, name=f"weight_{i}") for i, w in enumerate(weights)]

    def forward(inputs: list[Any], values: list[Any]) -> dict[str, Any]:
        named = {spec.name: value for spec, value in zip(signature.inputs, inputs, strict=True)}
        with keras.StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
            return model(named, training=False)

    function = tf.function(forward, autograph=False)
    return function.get_concrete_function(list(tensor_specs(signature).values()), values)


def _passes() -> dict[str, Any]:
    """tf2onnx's clean-up, less the pass that writes means as image poolings."""
    from tf2onnx import optimizer

    return {k: v for k, v in optimizer._get_optimizers().items() if k != "global_pool_optimizer"}
