"""SavedModels that write: the whole loop is in the graph. TensorFlow only."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.data.pair_rows import Frame, frame_of
from keras_bert_zoo.generation.generate import end_of, texts_of
from keras_bert_zoo.tasks.task import remembered
from keras_bert_zoo.tokenizers.graph_decoding import TokenJoiner

from ..errors import ExportError
from ..runtimes import IDS
from ..savedmodel.batches import any_batch
from ..signature import BATCH, SEQUENCE, Signature, TensorSpec
from ..tracing import Weights, tensor_specs
from .options import options_of
from .parts import PROMPT
from .spacing import respaced

TEXT = "serving_default"
# What stands in for an empty batch: an empty text has no token where tokenizers add none.
_ROW = b"a"


def export(
    bundle: Any, path: pathlib.Path, *, generation: Mapping[str, Any], text: bool = True
) -> tuple[Signature, ...]:
    """Writes a SavedModel directory.

    Args:
        bundle: with a model that writes.
        path: of the new directory.
        generation: of ``GenerationOptions``: they are part of the graph.
        text: whether it also has the signature that takes and returns strings.

    Returns:
        Its signatures: ``ids`` and, with text, ``serving_default``.

    Raises:
        ExportError: the options draw, or a text signature is wanted and the bundle has no
            tokenizer.
    """
    model, options = bundle.model, options_of(bundle.model, generation)
    names: Sequence[str] = [*model.encoder.input] if model.task == "seq2seq" else PROMPT
    inputs = tuple(TensorSpec(name, "int32", (BATCH, SEQUENCE), True) for name in names)
    outputs = (TensorSpec(IDS, "int32", (BATCH, options.max_new_tokens)),)
    signature = Signature(IDS, inputs, outputs)
    end, unused = end_of(model), np.zeros((options.max_new_tokens, 1), "float32")

    def write(**ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {IDS: texts_of(model, options, end, _not_empty(ids), unused)}

    forward = _traced(write, signature)
    rows = [(signature, forward)]
    weights = Weights(model)
    if text:
        weights.tokenizer = bundle.tokenizer
        rows.append(_text_signature(bundle, forward, names, options.max_new_tokens))
    functions = {row.name: function for row, function in rows}
    tf.saved_model.save(weights, str(path), signatures=functions)
    return tuple(row for row, _ in rows)


def _text_signature(
    bundle: Any, forward: Any, names: Sequence[str], room: int
) -> tuple[Signature, Any]:
    """The signature, and its function.

    Args:
        bundle: see ``export``.
        forward: the function of ids.
        names: of its inputs.
        room: tokens that are written.
    """
    model, tokenizer = bundle.model, bundle.tokenizer
    if tokenizer is None:
        raise ExportError(
            "Text in and text out needs a tokenizer, and the bundle has none. Export "
            "'writer-savedmodel-ids'."
        )
    join, reads = TokenJoiner(tokenizer), model.task == "seq2seq"
    asked = remembered(bundle.config, model.task)
    respaces = asked.get("options", {}).get("respace")
    # A decoder goes on behind what it is given, which therefore has no end.
    sees = model.encoder.config.max_tokens if reads else model.config.max_tokens - room
    frame = Frame() if reads else frame_of(tokenizer, model.config)
    # As a predictor cuts them.
    longest = min(tokenizer.model_max_length, sees, asked.get("max_length", sees)) - frame.size

    def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = tokenizer(
            text, padding=True, truncation=True, max_length=longest, add_special_tokens=reads
        )
        ids = framed(ids, frame)
        written = join(forward(**{name: ids[name] for name in names})[IDS])
        return {"text": respaced(written, text) if respaces else written}

    strings = (TensorSpec("text", "string", (BATCH,)),)
    signature = Signature(TEXT, strings, strings)
    return signature, _traced(any_batch(serve, ["text"], _ROW), signature)


def _not_empty(ids: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The same rows, which nothing can use before each is known to have a token."""
    empty = tf.reduce_sum(ids[PROMPT[1]], axis=1) == 0
    first = tf.where(empty)[:1, 0]
    message = ["Row", first, f"of {PROMPT[0]} is empty: {PROMPT[1]} is 0 everywhere."]
    check = tf.debugging.Assert(~tf.reduce_any(empty), message)
    with tf.control_dependencies([check]):
        return {name: tf.identity(values) for name, values in ids.items()}


def framed(ids: Mapping[str, tf.Tensor], frame: Frame) -> Mapping[str, tf.Tensor]:
    """Puts what stands around a text into rows ``(B, S)`` that are filled up behind."""
    if frame.before is not None:
        first = dict(zip(PROMPT, (frame.before, 1), strict=True))
        ids = {k: tf.pad(ids[k], [[0, 0], [1, 0]], constant_values=first[k]) for k in PROMPT}
    if frame.behind is None:
        return ids
    words, mask = (tf.pad(ids[name], [[0, 0], [0, 1]]) for name in PROMPT)
    # A place of its own behind the tokens of each row.
    behind = tf.one_hot(tf.reduce_sum(mask, axis=1), tf.shape(mask)[1], dtype=mask.dtype)
    words = tf.where(behind > 0, tf.cast(frame.behind, words.dtype), words)
    return dict(zip(PROMPT, (words, mask + behind), strict=True))


def _traced(function: Any, signature: Signature) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**tensor_specs(signature))
