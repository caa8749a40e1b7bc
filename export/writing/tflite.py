"""TFLite files that write: one signature reads a text, the other writes one token more.

Built-in operators only, one row, fixed lengths, the weights of both signatures once. The loop is
the client's: ``litert`` is one in NumPy. TensorFlow only.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from ..errors import ExportError
from ..signature import Signature, TensorSpec
from ..tflite import model as tflite_model
from ..tflite.lengths import fix_length
from ..tflite.passes import look_up_words, name_weights, plain_lookups
from ..tflite.recipes import RECIPES
from ..tflite.weights import store_weights
from ..tracing import Weights, trace
from .litert import DECODE, ENCODE, MASK, PLACE, TOKEN
from .options import options_of
from .parts import (
    Part,
    Tensors,
    encoder_specs,
    kept_specs,
    memory_of,
    named,
    written_of,
)

READ, WRITTEN = "encoder_{side}_{layer}", "decoder_{side}_{layer}"
LENGTH = 128


def export(
    bundle: Any,
    path: pathlib.Path,
    *,
    generation: Mapping[str, Any],
    lengths: Sequence[int] | None = None,
    recipe: str = "float32",
) -> tuple[Signature, ...]:
    """Writes a ``.tflite`` with the signatures ``encode`` and ``decode``.

    Args:
        bundle: with an ``EncoderDecoder``.
        path: of the new file.
        generation: of ``GenerationOptions``: ``max_new_tokens``, for which there is room.
        lengths: one, as ``export`` checks: tokens that are read; by default 128, or as many as
            the encoder has positions.
        recipe: key of ``RECIPES``.

    Returns:
        The two signatures.

    Raises:
        ExportError: the converter fails.
    """
    room = options_of(bundle.model, generation).max_new_tokens
    [length] = lengths or [min(LENGTH, bundle.model.encoder.config.max_tokens)]
    parts = parts_of(bundle.model, length, room)
    model = tflite_model.read(_converted(bundle.model, parts))
    weights = {weight.path: weight.numpy() for weight in bundle.model.weights}
    for definition in model.signatureDefs:
        graph = tflite_model.Graph(model, definition.subgraphIndex)
        name_weights(graph, weights)
        plain_lookups(graph)
        look_up_words(graph)
        graph.refresh()
        fix_length(graph, length if definition.signatureKey == ENCODE.encode() else 1)
        store_weights(model, RECIPES[recipe].storage_of, index=definition.subgraphIndex)
    path.write_bytes(tflite_model.write(model))
    return tuple(part.signature for part in parts)


def parts_of(model: Any, length: int, room: int) -> tuple[Part, Part]:
    """What reads ``length`` tokens, and what writes into ``room`` places."""
    read, written = kept_specs(model, READ, length), kept_specs(model, WRITTEN, room)
    mask = TensorSpec(MASK, "int32", (1, length))
    one = tuple(TensorSpec(name, "int32", (1,)) for name in (TOKEN, PLACE))
    logits = TensorSpec("logits", "float32", (1, model.decoder.config.vocab_size))

    def encode(tensors: Tensors) -> dict[str, Any]:
        return named(READ, model.read(dict(tensors)).kept)

    def decode(tensors: Tensors) -> dict[str, Any]:
        place = tensors[PLACE]
        memory = memory_of(model, READ, tensors, tensors[MASK])
        before = written_of(model, WRITTEN, tensors, place[0], place)
        hidden, after = model.decoder.extend(tensors[TOKEN][:, None], before, memory)
        # Changes nothing, and keeps the converter from multiplying the scales of a norm into the
        # table of words, which would be there twice then.
        hidden = tf.maximum(hidden, hidden.dtype.min)
        return {"logits": model.head(hidden)[:, 0], **named(WRITTEN, after.kept)}

    fixed = {"batch": 1, "sequence": length}
    reads = Signature(ENCODE, encoder_specs(model), read).fix(**fixed)
    writes = Signature(DECODE, (*one, mask, *read, *written), (logits, *written)).fix(**fixed)
    return Part(model, reads, encode), Part(model, writes, decode)


def _converted(model: Any, parts: tuple[Part, ...]) -> bytes:
    functions = {part.name: trace(part, part.signature) for part in parts}
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(Weights(model), directory, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            directory, signature_keys=list(functions)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            content = converter.convert()
        except Exception as error:  # the converter's own class is not public
            raise ExportError(f"The TFLite converter failed: {error}") from error
    custom = [name for name in tflite_model.operators(content) if name.startswith("custom:")]
    if custom:
        raise ExportError(f"The converter wrote operators that are not built in: {custom}")
    return content
