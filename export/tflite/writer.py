"""TFLite files of built-in operators. TensorFlow only.

A model is converted once, with an open length and float32 weights: the road is a SavedModel,
because a conversion straight from a function leaves the variables out of the file. All else
is done to the result: fewer operators, fixed lengths, other storage of the weights. The batch
is 1, because a TFLite RESHAPE infers one size at most, and that is left to the sequence.
"""

from __future__ import annotations

import functools
import pathlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo.data.examples import Examples

from ..answers import answering
from ..encoding import encoded
from ..errors import ExportError
from ..row_lengths import checked_lengths
from ..savedmodel import writer as savedmodel
from ..signature import Signature
from ..tracing import refuse, trace
from . import mediapipe
from . import model as tflite_model
from .activations import fix_activations
from .lengths import give_lengths
from .passes import make_lean
from .ranges import observe
from .recipes import RECIPES
from .text import take_text
from .weights import store_weights

_MISSING = re.compile(r"tf\.(\w+)(?: op is neither|\(tensor)|Custom ops: (\w+)")


def export(
    bundle: Any,
    path: pathlib.Path,
    *,
    lengths: Sequence[int] | None = None,
    recipe: str = "float32",
    storage: Mapping[str, str] | None = None,
    text: bool = False,
    metadata: str | None = None,
    normalize: bool = False,
    activations: str | None = None,
    examples: Examples | None = None,
) -> tuple[Signature, ...]:
    """Writes a ``.tflite`` with one named signature for each length.

    Args:
        bundle: what to export.
        path: of the new file.
        lengths: tokens in a row; the signature of one is called ``ids``, those of several
            ``ids_32``, ``ids_64``, …; ``None`` leaves the length open.
        recipe: key of ``RECIPES``; inputs and outputs stay as they are.
        storage: of each weight instead, by name: a key of ``weights.STORAGES``.
        text: whether it takes strings and returns scores or an embedding; needs a length.
        metadata: ``"mediapipe"`` for a file that MediaPipe Tasks load, see ``mediapipe``.
        normalize: of its embeddings.
        activations: key of ``activations.STEPS``: products work on integers of fixed scales.
        examples: texts that give those scales.

    Returns:
        The signatures, the shortest first.

    Raises:
        ExportError: a length is beyond the position table, or text is wanted or given and the
            bundle has no tokenizer.
        MissingRuntime: fixed scales are wanted and LiteRT, which finds them, is not installed.
        UnsupportedLayer: a layer has no built-in operator.
    """
    lengths = checked_lengths(lengths, bundle.model.config.max_tokens)
    if (text or activations) and bundle.tokenizer is None:
        raise ExportError(
            "The bundle has no tokenizer, and this format needs one for its texts. Save it with "
            "one, or export the format 'tflite'."
        )
    source, finish = mediapipe.adapt(bundle, normalize) if metadata else (bundle.model, bytes)
    source = answering(source) if text else source
    content = converted(source)
    model = tflite_model.read(content)
    storage_of = storage.__getitem__ if storage else RECIPES[recipe].storage_of
    store = functools.partial(store_weights, storage_of=storage_of)
    if activations is None:
        store(model)
    else:
        assert examples is not None  # `conversion.export` saw to it
        rows = encoded(bundle, examples, max(lengths) if lengths else None)
        fix_activations(model, activations, observe(content, rows), store)
    signatures = give_lengths(model, Signature.of(source).fix(batch=1), lengths)
    if text:
        signatures = take_text(model, signatures, bundle.tokenizer)
    path.write_bytes(finish(tflite_model.write(model)))
    return signatures


@functools.lru_cache(maxsize=1)
def converted(model: Any) -> bytes:
    """The lean float32 file of a Keras model, its length open; kept for the next format."""
    signature = Signature.of(model).fix(batch=1)
    with tempfile.TemporaryDirectory() as directory:
        savedmodel.write_ids(model, signature, directory)
        content = _convert(model, signature, directory)
    custom = [name for name in tflite_model.operators(content) if name.startswith("custom:")]
    if custom:
        raise ExportError(f"The converter wrote operators that are not built in: {custom}")
    lean = tflite_model.read(content)
    make_lean(lean, {weight.path: weight.numpy() for weight in model.weights})
    return tflite_model.write(lean)


def _convert(model: Any, signature: Signature, directory: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[signature.name])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    try:
        return converter.convert()
    except Exception as error:  # the converter's own class is not public
        missing = {"".join(match) for match in _MISSING.findall(str(error))}
        if not missing:
            raise ExportError(f"The TFLite converter failed: {error}") from error
        refuse("TFLite", missing, trace(model, signature).graph.get_operations())
