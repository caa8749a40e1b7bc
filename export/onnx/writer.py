"""ONNX files with named axes and named weights. TensorFlow and tf2onnx only.

Four steps, in as many modules: a small graph that takes its weights as inputs
(``conversion``, made lean by ``lean``); on request with onnxruntime's own operators
(``fusion``); rewritten for smaller weights (``precision``); and written to disk with
one weight after the other (``file``).
"""

from __future__ import annotations

import pathlib
from typing import Any

from ..signature import Signature
from .packages import check_packages


def export(
    bundle: Any,
    path: pathlib.Path,
    *,
    precision: str = "float32",
    fused: bool = False,
    limit: int | None = None,
) -> tuple[Signature, ...]:
    """Writes an ``.onnx`` file: int64 inputs, open axes ``batch`` and ``sequence``.

    Args:
        bundle: what to export.
        path: of the new file.
        precision: key of ``precision.PRECISIONS``; inputs and outputs stay as they are.
        fused: whether to use onnxruntime's own operators for Transformers.
        limit: bytes of one file, by default protobuf's; the weights of a larger model go to a
            second file called ``path`` with ``_data`` at the end.

    Returns:
        The signature.

    Raises:
        ExportError: the model cannot be fused.
        MissingRuntime: onnx, onnxruntime or tf2onnx is not installed.
        UnsupportedLayer: a layer has no ONNX operator.
    """
    check_packages()
    import onnx

    from . import file as onnx_file
    from . import fusion as onnx_fusion
    from . import precision as onnx_precision
    from . import weights as onnx_weights
    from .conversion import lean_graph

    signature = Signature.of(bundle.model).with_input_type("int64")
    model = lean_graph(bundle.model, signature)
    weights = onnx_weights.of_model(bundle.model.weights)
    if fused:
        model, weights = onnx_fusion.fuse(model, weights, bundle.config)
    model, weights = onnx_precision.PRECISIONS[precision](model, weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx_file.write(model, weights, path, limit or onnx_file.LARGEST)
    onnx.checker.check_model(str(path), full_check=True)
    return (signature,)
