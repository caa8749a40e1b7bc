"""SavedModels that load without Keras. TensorFlow only.

The signature ``ids`` takes integers; ``serving_default``, ``pairs`` and ``tf_examples`` take
strings, tokenize them inside the graph and return what a client wants to know. A graph with
text in it loads only where tensorflow-text's operators are registered (TensorFlow Serving
has them), so there is a variant without it, for plain TensorFlow.
"""

from __future__ import annotations

import pathlib
from typing import Any

import tensorflow as tf

from ..errors import ExportError
from ..signature import Signature
from ..tracing import Weights, trace
from .text_signatures import text_signatures


def export(bundle: Any, path: pathlib.Path, *, text: bool = True) -> tuple[Signature, ...]:
    """Writes a SavedModel directory.

    Args:
        bundle: what to export.
        path: of the new directory.
        text: whether it has the signatures that take strings.

    Returns:
        Its signatures: ``ids``, ``serving_default``, then the others.

    Raises:
        ExportError: text is wanted and the bundle has no tokenizer.
    """
    signature = Signature.of(bundle.model)
    if not text:
        write_ids(bundle.model, signature, path)
        return (signature,)
    if bundle.tokenizer is None:
        raise ExportError(
            "The bundle has no tokenizer, so its model cannot take text. Save it with one, or "
            "export the format 'savedmodel-ids'."
        )
    weights = Weights(bundle.model)
    weights.tokenizer = bundle.tokenizer
    forward = trace(bundle.model, signature)
    names = [spec.name for spec in signature.inputs]

    def told(**ids: tf.Tensor) -> Any:
        """Without what tokenizers make for every model: segments that this one may not know."""
        return forward(**{name: ids[name] for name in names})

    rows = [(signature, forward), *text_signatures(bundle, told)]
    functions = {row.name: function for row, function in rows}
    tf.saved_model.save(weights, str(path), signatures=functions)
    return tuple(row for row, _ in rows)


def write_ids(model: Any, signature: Signature, path: str | pathlib.Path) -> None:
    """Writes a SavedModel with one integer signature and nothing but core operators."""
    functions = {signature.name: trace(model, signature)}
    tf.saved_model.save(Weights(model), str(path), signatures=functions)
