"""A BERT of onnxruntime's own operators: attention and normalisation as one node each.

onnxruntime joins some nodes by itself when it loads a model, but attention only if this is
done beforehand, by its ``transformers.optimizer``. That looks for exact patterns and leaves
alone what it does not know, so what it found is counted.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from onnx import TensorProto, helper, numpy_helper

from ..errors import ExportError
from .graph import CONTRIBUTED, View, replace
from .weights import Weight, Weights

# How many of each there must be for every block of the encoder.
FUSED: Mapping[str, int] = {"Attention": 1, "SkipLayerNormalization": 2, "BiasGelu": 1}
_ADVICE = (
    "it does not know this model, or its activation is not exact GELU (hidden_act 'gelu'). Export "
    "the format 'onnx'; onnxruntime fuses a part of that one itself when it loads it."
)


def fuse(model: Any, weights: Weights, config: Any) -> tuple[Any, Weights]:
    """Joins nodes to onnxruntime's operators for Transformers.

    Args:
        model: a lean graph whose weights are still inputs.
        weights: by the names of those inputs. What is joined is read: kernels and biases of
            query, key and value.
        config: an ``EncoderConfig``.

    Returns:
        The fused graph, and its weights as inputs again.

    Raises:
        ExportError: not every block was fused.
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_by_fusion

    _attach(model.graph, weights)
    options = FusionOptions("bert")
    # By default a mask is counted, which is right only for padding at the end.
    options.use_raw_attention_mask(True)
    model.producer_name = "pytorch"  # what the optimizer expects of a BERT, or it warns
    sizes = (config.num_attention_heads, config.hidden_size)
    try:
        fused = optimize_by_fusion(model, "bert", *sizes, options)
    except Exception as error:  # it fails in any way on graphs that it was not written for
        raise ExportError(f"onnxruntime's optimizer failed ({error}): {_ADVICE}") from error
    _check(fused.get_fused_operator_statistics(), config.num_hidden_layers)
    del fused.model.opset_import[1:]
    fused.model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))
    return fused.model, _detach(fused.model.graph, weights)


def _check(found: Mapping[str, int], blocks: int) -> None:
    """Outside of the blocks there may be more: in the embeddings, in a head.

    Where one token is read, it alone attends in the last block, which the optimizer does not know.
    """
    expected = {kind: count * blocks for kind, count in FUSED.items()}
    expected["Attention"] -= 1
    counts = {kind: found.get(kind, 0) for kind in expected}
    if any(counts[kind] < least for kind, least in expected.items()):
        raise ExportError(
            f"onnxruntime's optimizer made {counts} of {blocks} blocks, not {expected}: {_ADVICE}"
        )


def _attach(graph: Any, weights: Weights) -> None:
    """Turns those weights to initializers whose values the optimizer reads."""
    view = View(graph)
    read = {name for name, w in weights.items() if len(w.shape) == 1 or _splits_heads(view, name)}
    replace(graph.input, [entry for entry in graph.input if entry.name not in read])
    for name in sorted(read):
        graph.initializer.append(numpy_helper.from_array(weights[name].read(), name))


def _splits_heads(view: View, name: str) -> bool:
    """Whether a weight is a kernel of query, key or value: what comes out is cut into heads."""
    product = view.only_user(name, "MatMul")
    added = product and view.only_user(product.output[0], "Add")
    return bool(added and view.only_user(added.output[0], "Reshape"))


def _detach(graph: Any, weights: Weights) -> Weights:
    """Takes all weights, those that were joined too, out of a graph."""
    used = {name for entry in graph.node for name in entry.input}
    kept = {name: weight for name, weight in weights.items() if name in used}
    joined = {
        tensor.name: Weight(
            tuple(tensor.dims), "float32", functools.partial(numpy_helper.to_array, tensor)
        )
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and tensor.dims and tensor.name not in kept
    }
    taken = kept | joined
    replace(graph.initializer, [t for t in graph.initializer if t.name not in taken])
    return taken
