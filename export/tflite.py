"""TFLite files of built-in operators. TensorFlow only.

The road is a SavedModel: a conversion straight from a function leaves the variables out
of the file. The batch is 1, because a TFLite RESHAPE infers one size at most; that one is
left to the sequence unless a length is given.
"""

from __future__ import annotations

import collections
import pathlib
import re
import tempfile
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from . import mediapipe, savedmodel
from .errors import ExportError
from .signature import Signature
from .tracing import checked_length, refuse, trace

# The types the converter may give the weights; an empty list lets it take 8-bit integers and
# quantise the activations of the products on the fly.
PRECISIONS: Mapping[str, list[Any] | None] = {
    "float32": None,
    "float16": [tf.float16],
    "int8": [],
}
_MISSING = re.compile(r"tf\.(\w+)(?: op is neither|\(tensor)|Custom ops: (\w+)")


def export(
    bundle: Any,
    path: pathlib.Path,
    *,
    length: int | None = None,
    precision: str = "float32",
    metadata: str | None = None,
    normalize: bool = False,
) -> tuple[Signature, ...]:
    """Writes a ``.tflite`` with one named signature, ``ids``.

    Args:
        bundle: what to export.
        path: of the new file.
        length: tokens in a row; ``None`` leaves it open.
        precision: key of ``PRECISIONS``; inputs and outputs stay as they are.
        metadata: ``"mediapipe"`` for a file that MediaPipe Tasks load, see ``mediapipe``.
        normalize: of its embeddings.

    Returns:
        The signature.

    Raises:
        ExportError: the length is beyond the position table.
        UnsupportedLayer: a layer has no built-in operator.
    """
    length = checked_length(bundle.model, length)
    model, finish = mediapipe.adapt(bundle, normalize) if metadata else (bundle.model, bytes)
    signature = Signature.of(model).fix(batch=1, sequence=length)
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        savedmodel.write_ids(model, signature, directory)
        content = _convert(model, signature, directory, precision)
    custom = [name for name in operators(content) if name.startswith("custom:")]
    if custom:
        raise ExportError(f"The converter wrote operators that are not built in: {custom}")
    path.write_bytes(finish(content))
    return (signature,)


def operators(content: bytes) -> collections.Counter[str]:
    """Counts the operators of a TFLite file; one that is not built in is ``custom:NAME``."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items()}

    def name(code: Any) -> str:
        if code.customCode is not None:
            return f"custom:{code.customCode.decode()}"
        # Codes beyond 127 are in the newer of the two fields.
        return names[max(code.builtinCode, code.deprecatedBuiltinCode)]

    codes = [name(code) for code in model.operatorCodes]
    return collections.Counter(
        codes[operator.opcodeIndex] for graph in model.subgraphs for operator in graph.operators
    )


def _convert(model: Any, signature: Signature, directory: str, precision: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[signature.name])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    types = PRECISIONS[precision]
    converter.optimizations = [] if types is None else [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = types or []
    try:
        return converter.convert()
    except Exception as error:  # the converter's own class is not public
        missing = {"".join(match) for match in _MISSING.findall(str(error))}
        if not missing:
            raise ExportError(f"The TFLite converter failed: {error}") from error
        refuse("TFLite", missing, trace(model, signature).graph.get_operations())
