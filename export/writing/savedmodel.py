"""SavedModels that write: the whole loop is in the graph. TensorFlow only."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.generation.generate import end_of, texts_of
from keras_bert_zoo.tokenizers.graph_decoding import joiner_of

from ..errors import ExportError
from ..signature import BATCH, SEQUENCE, Signature, TensorSpec
from ..tracing import Weights, tensor_specs
from .options import options_of

IDS, TEXT = "ids", "serving_default"


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
            tokenizer whose tokens can be joined in a graph.
    """
    model, options = bundle.model, options_of(bundle.model, generation)
    names = list(model.encoder.input) if model.task == "seq2seq" else _PROMPT
    inputs = tuple(TensorSpec(name, "int32", (BATCH, SEQUENCE), True) for name in names)
    outputs = (TensorSpec(IDS, "int32", (BATCH, options.max_new_tokens)),)
    signature = Signature(IDS, inputs, outputs)
    end, unused = end_of(model), np.zeros((options.max_new_tokens, 1), "float32")

    def write(**ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {IDS: texts_of(model, options, end, ids, unused)}

    forward = _traced(write, signature)
    rows = [(signature, forward)]
    weights = Weights(model)
    if text:
        weights.tokenizer = bundle.tokenizer
        rows.append(_text_signature(bundle, forward, names))
    functions = {row.name: function for row, function in rows}
    tf.saved_model.save(weights, str(path), signatures=functions)
    return tuple(row for row, _ in rows)


_PROMPT = ["input_ids", "attention_mask"]


def _text_signature(bundle: Any, forward: Any, names: list[str]) -> tuple[Signature, Any]:
    model, tokenizer = bundle.model, bundle.tokenizer
    if model.task != "seq2seq" or tokenizer is None:
        raise ExportError(
            "Text in and text out is for an encoder with a decoder, and with a tokenizer; received "
            f"a model for {model.task!r} and the tokenizer {tokenizer}. Export 'writer-savedmodel-"
            "ids'."
        )
    join = joiner_of(tokenizer)
    longest = min(tokenizer.model_max_length, model.encoder.config.max_tokens)

    def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
        ids = tokenizer(text, padding=True, truncation=True, max_length=longest)
        return {"text": join(forward(**{name: ids[name] for name in names})[IDS])}

    strings = (TensorSpec("text", "string", (BATCH,)),)
    signature = Signature(TEXT, strings, strings)
    return signature, _traced(serve, signature)


def _traced(function: Any, signature: Signature) -> Any:
    return tf.function(function, autograph=False).get_concrete_function(**tensor_specs(signature))
