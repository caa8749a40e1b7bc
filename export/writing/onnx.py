"""ONNX files that write, in the layout of optimum's ``ORTModelForSeq2SeqLM``.

``encoder_model.onnx`` reads; ``decoder_model.onnx`` writes the first token, and makes the keys and
values of what was read; ``decoder_with_past_model.onnx`` writes each further one. TensorFlow and
tf2onnx only.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from ..onnx.packages import check_packages
from ..signature import BATCH, Signature, TensorSpec
from .options import options_of
from .ort import DECODER, ENCODER, GIVEN, MASK, READ, STATES, WITH_PAST, WRITTEN
from .parts import (
    PROMPT,
    Part,
    Tensors,
    kept_specs,
    memory_of,
    named,
    written_of,
)

# Axes, as optimum calls them.
_READ, _TOKENS = "encoder_sequence_length", "decoder_sequence_length"
_BEFORE, _AFTER = "past_decoder_sequence_length", "past_decoder_sequence_length + 1"
_PAST, _PRESENT = "past_key_values.{layer}.", "present.{layer}."


def export(
    bundle: Any, path: pathlib.Path, *, generation: Mapping[str, Any]
) -> tuple[Signature, ...]:
    """Writes the three files: int64 ids, open axes.

    Args:
        bundle: with an ``EncoderDecoder``.
        path: of the new directory.
        generation: of ``GenerationOptions``, for ``generation_config.json``.

    Returns:
        Their signatures.

    Raises:
        ExportError: the options draw, or ask for too many tokens.
        MissingRuntime: onnx, onnxruntime or tf2onnx is not installed.
        UnsupportedLayer: a layer has no ONNX operator.
    """
    check_packages()
    import onnx

    from ..onnx import file as onnx_file
    from ..onnx import weights as onnx_weights
    from ..onnx.conversion import lean_graph

    options_of(bundle.model, generation)
    parts = parts_of(bundle.model)
    path.mkdir(parents=True)
    for part in parts:
        model = lean_graph(part, part.signature)
        file = path / f"{part.name}.onnx"
        onnx_file.write(model, onnx_weights.of_model(part.weights), file)
        onnx.checker.check_model(str(file), full_check=True)
    return tuple(part.signature for part in parts)


def parts_of(model: Any) -> tuple[Part, Part, Part]:
    """What the three files do."""
    config = model.decoder.config
    sources = tuple(TensorSpec(name, "int64", (BATCH, _READ), True) for name in PROMPT)
    states = TensorSpec(STATES, "float32", (BATCH, _READ, config.hidden_size))
    mask = TensorSpec(MASK, "int64", (BATCH, _READ))
    past, present = _PAST + WRITTEN, _PRESENT + WRITTEN
    past_read, present_read = _PAST + READ, _PRESENT + READ

    def encode(tensors: Tensors) -> dict[str, Any]:
        # optimum gives no segments, and a text is one.
        every = {**tensors, "token_type_ids": ops.zeros_like(tensors["input_ids"])}
        inputs = {name: every[name] for name in model.encoder.input}
        return {STATES: model.encoder(inputs, training=False)[STATES]}

    def begin(tensors: Tensors) -> dict[str, Any]:
        memory = model.decoder.read(tensors[GIVEN], tensors[MASK])
        rows = ops.shape(tensors["input_ids"])[0]
        # No room ahead: what is kept grows with what is read.
        before = model.decoder.start(rows, 0)._replace(place=None)
        ids = ops.cast(tensors["input_ids"], "int32")
        hidden, after = model.decoder.extend(ids, before, memory)
        kept = {**named(present, after.kept), **named(present_read, memory.kept)}
        return {"logits": model.head(hidden), **kept}

    def go_on(tensors: Tensors) -> dict[str, Any]:
        memory = memory_of(model, past_read, tensors, tensors[MASK])
        ids = ops.cast(tensors["input_ids"], "int32")
        length = ops.shape(tensors[past.format(layer=0, side="key")])[2]
        before = written_of(model, past, tensors, None, ops.zeros_like(ids[:, 0]) + length)
        hidden, after = model.decoder.extend(ids, before, memory)
        return {"logits": model.head(hidden), **named(present, after.kept)}

    def logits(tokens: str | int) -> TensorSpec:
        return TensorSpec("logits", "float32", (BATCH, tokens, config.vocab_size))

    given = dataclasses.replace(states, name=GIVEN)
    first = (TensorSpec("input_ids", "int64", (BATCH, _TOKENS)), given, mask)
    made = _by_layer(kept_specs(model, present, _TOKENS), kept_specs(model, present_read, _READ))
    further = (TensorSpec("input_ids", "int64", (BATCH, 1)), mask)
    known = _by_layer(kept_specs(model, past, _BEFORE), kept_specs(model, past_read, _READ))
    grown = kept_specs(model, present, _AFTER)
    return (
        Part(model, Signature(ENCODER, sources, (states,)), encode),
        Part(model, Signature(DECODER, first, (logits(_TOKENS), *made)), begin),
        Part(model, Signature(WITH_PAST, (*further, *known), (logits(1), *grown)), go_on),
    )


def _by_layer(*kinds: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """Keys and values of both kinds, layer after layer: optimum takes them by their places."""
    layers = zip(*(zip(kind[::2], kind[1::2], strict=True) for kind in kinds), strict=True)
    return tuple(spec for layer in layers for pair in layer for spec in pair)
