"""ONNX files with named axes and named weights. TensorFlow and tf2onnx only.

tf2onnx copies every constant in each of its passes, which takes minutes with the weights
of a BERT inside. So the model is traced with its weights as inputs, the small graph is
converted, and the weights are attached to the result as initializers.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from .errors import ExportError, MissingRuntime
from .onnx_graph import attach_weights, multiply_unflattened, name_axes
from .signature import Signature
from .tracing import refuse, tensor_specs

# The newest opset that clients of several years read; tf2onnx itself ends at 18.
OPSET = 17
# A protobuf file cannot be larger.
_LARGEST = 2**31 - 1


def export(bundle: Any, path: pathlib.Path, *, precision: str = "float32") -> tuple[Signature, ...]:
    """Writes an ``.onnx`` file: int64 inputs, open axes ``batch`` and ``sequence``.

    Args:
        bundle: what to export.
        path: of the new file.
        precision: key of ``PRECISIONS``; inputs and outputs stay as they are.

    Returns:
        The signature.

    Raises:
        ExportError: the weights do not fit in one file.
        MissingRuntime: onnx, onnxruntime or tf2onnx is not installed.
        UnsupportedLayer: a layer has no ONNX operator.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingRuntime(
            "Writing ONNX needs onnx, onnxruntime and tf2onnx: pip install keras-bert-zoo[onnx]"
        ) from error
    weights = {weight.path: weight.numpy() for weight in bundle.model.weights}
    size = sum(value.nbytes for value in weights.values())
    if size > _LARGEST:
        raise ExportError(f"The weights take {size} bytes; one ONNX file holds {_LARGEST}.")
    signature = Signature.of(bundle.model).with_input_type("int64")
    proto = multiply_unflattened(_convert(bundle.model, signature))
    attach_weights(proto.graph, weights)
    name_axes(proto.graph, signature)
    proto = PRECISIONS[precision](proto)
    onnx.checker.check_model(proto, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString())
    return (signature,)


def _convert(model: Any, signature: Signature) -> Any:
    """The ONNX model with the weights still as inputs, called by their variable paths."""
    import onnx
    from tf2onnx import optimizer, tf_loader, tfonnx

    traced = _trace(model, signature)
    sources = [tensor.name for tensor in traced.inputs]
    names = [*(spec.name for spec in signature.inputs), *(w.path for w in model.weights)]
    results = {x.name: name for name, x in traced.structured_outputs.items()}
    nodes = tf_loader.from_function(traced, sources, list(results))
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
    proto = optimizer.optimize_graph(converted, optimizers=_passes()).make_model(model.name)
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


def _int8(proto: Any) -> Any:
    """Weights as 8-bit integers, activations quantised on the fly.

    One scale for each output of a product, not one for all: MiniLM's hidden states keep a
    cosine of 0.990 to float32 on SST-2 sentences, against 0.952.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "model.onnx"
        quantize_dynamic(
            proto,
            path,
            op_types_to_quantize=["MatMul", "Gather"],
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


def _float16(proto: Any) -> Any:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return convert_float_to_float16(proto, keep_io_types=True)


PRECISIONS: Mapping[str, Callable[[Any], Any]] = {
    "float32": lambda proto: proto,
    "float16": _float16,
    "int8": _int8,
}


def _passes() -> dict[str, Any]:
    """tf2onnx's clean-up, less the pass that writes means as image poolings."""
    from tf2onnx import optimizer

    return {k: v for k, v in optimizer._get_optimizers().items() if k != "global_pool_optimizer"}
