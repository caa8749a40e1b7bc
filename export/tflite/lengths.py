"""TFLite files for rows of given lengths: one signature each, the weights stored once.

TensorFlow only. A fixed length lets the runtime plan its memory when it loads the file.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..signature import Signature
from .model import Graph


def give_lengths(
    model: Any, signature: Signature, lengths: Sequence[int] | None
) -> tuple[Signature, ...]:
    """Makes a copy of the one subgraph for each length.

    Args:
        model: a ``ModelT`` with one subgraph and an open length.
        signature: of that subgraph.
        lengths: in ascending order; ``None`` leaves the length open.

    Returns:
        The signature of each subgraph.
    """
    if lengths is None:
        return (signature,)
    single = len(lengths) == 1
    names = [signature.name if single else f"{signature.name}_{length}" for length in lengths]
    [graph], [definition] = model.subgraphs, model.signatureDefs
    # The constants lie outside of the subgraphs.
    model.subgraphs = [copy.deepcopy(graph) for _ in lengths]
    model.signatureDefs = []
    for index, (name, length) in enumerate(zip(names, lengths, strict=True)):
        model.subgraphs[index].name = name.encode()
        fix_length(Graph(model, index), length)
        defined = copy.deepcopy(definition)
        defined.signatureKey, defined.subgraphIndex = name.encode(), index
        model.signatureDefs.append(defined)
    return tuple(
        signature.fix(sequence=length).named(name)
        for name, length in zip(names, lengths, strict=True)
    )


def fix_length(graph: Graph, length: int) -> None:
    """Gives the open axis of a subgraph a size."""
    for cut in graph.of_kind("STRIDED_SLICE"):
        # The positions: as many rows of their table as the ids have columns.
        table = graph.maker(cut.inputs[0], "DEQUANTIZE")
        source = cut.inputs[0] if table is None else table.inputs[0]
        if graph.constant(cut.inputs[2]) is None and graph.constant(source) is not None:
            cut.inputs[2] = graph.add_constant("length", np.array([length], "int32"))
    for tensor in graph.graph.tensors:
        if tensor.shapeSignature is not None:
            sizes = np.asarray(tensor.shapeSignature)
            tensor.shape = np.where(sizes < 0, length, sizes).astype(np.int32)
            tensor.shapeSignature = None
