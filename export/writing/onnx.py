"""ONNX files that write, in the layout of optimum's ``ORTModelForSeq2SeqLM``.

``encoder_model.onnx`` reads; ``decoder_model_merged.onnx`` writes a token. With the first one it
makes the keys and values of what was read, which it is given back with each further one.
TensorFlow and tf2onnx only.
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
from .ort import BRANCH, DECODER, ENCODER, GIVEN, MASK, READ, STATES, WRITTEN, past_of
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
_BEFORE = "past_decoder_sequence_length"
_AFTER = f"{_BEFORE} + {_TOKENS}"
_PAST, _PRESENT = "past_key_values.{layer}.", "present.{layer}."


def export(
    bundle: Any, path: pathlib.Path, *, generation: Mapping[str, Any]
) -> tuple[Signature, ...]:
    """Writes the two files: int64 ids, open axes.

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
    from ..onnx.conversion import lean_graph
    from .merging import merge

    options_of(bundle.model, generation)
    path.mkdir(parents=True)
    encoder, memory, decoder = parts_of(bundle.model)
    _write(lean_graph(encoder, encoder.signature), encoder.weights, path, ENCODER)
    read, write = (lean_graph(part, part.signature) for part in (memory, decoder))
    signature = _merged(memory.signature, decoder.signature)
    given_back = {spec.name: past_of(spec.name) for spec in memory.signature.outputs}
    merged = merge(read, write, signature, BRANCH, given_back)
    _write(merged, [*memory.weights, *decoder.weights], path, DECODER)
    return encoder.signature, signature


def _write(model: Any, weights: Sequence[Any], path: pathlib.Path, name: str) -> None:
    import onnx

    from ..onnx import file as onnx_file
    from ..onnx import weights as onnx_weights

    file = path / f"{name}.onnx"
    onnx_file.write(model, onnx_weights.of_model(weights), file)
    onnx.checker.check_model(str(file), full_check=True)


def parts_of(model: Any) -> tuple[Part, Part, Part]:
    """The encoder, what the decoder makes of its states, and how the decoder writes a token."""
    config = model.decoder.config
    sources = tuple(TensorSpec(name, "int64", (BATCH, _READ), True) for name in PROMPT)
    states = TensorSpec(STATES, "float32", (BATCH, _READ, config.hidden_size))
    mask = TensorSpec(MASK, "int64", (BATCH, _READ))
    past, present, read = _PAST + WRITTEN, _PRESENT + WRITTEN, _PRESENT + READ

    def encode(tensors: Tensors) -> dict[str, Any]:
        # optimum gives no segments, and a text is one.
        every = {**tensors, "token_type_ids": ops.zeros_like(tensors["input_ids"])}
        inputs = {name: every[name] for name in model.encoder.input}
        return {STATES: model.encoder(inputs, training=False)[STATES]}

    def remember(tensors: Tensors) -> dict[str, Any]:
        return named(read, model.decoder.read(tensors[GIVEN], tensors[MASK]).kept)

    def write(tensors: Tensors) -> dict[str, Any]:
        memory = memory_of(model, read, tensors, tensors[MASK])
        ids = ops.cast(tensors["input_ids"], "int32")
        length = ops.shape(tensors[past.format(layer=0, side="key")])[2]
        # No room ahead: what is kept grows, from nothing at first.
        before = written_of(model, past, tensors, None, ops.zeros_like(ids[:, 0]) + length)
        hidden, after = model.decoder.extend(ids, before, memory)
        return {"logits": model.head(hidden), **named(present, after.kept)}

    made = kept_specs(model, read, _READ)
    ids = TensorSpec("input_ids", "int64", (BATCH, _TOKENS))
    logits = TensorSpec("logits", "float32", (BATCH, _TOKENS, config.vocab_size))
    known, grown = kept_specs(model, past, _BEFORE), kept_specs(model, present, _AFTER)
    given = dataclasses.replace(states, name=GIVEN)
    return (
        Part(model, Signature(ENCODER, sources, (states,)), encode),
        Part(model, Signature("remember", (mask, given), made), remember),
        Part(model, Signature(DECODER, (ids, mask, *known, *made), (logits, *grown)), write),
    )


def _merged(memory: Signature, decoder: Signature) -> Signature:
    """Of the decoder's file: what was read comes as states, or as it was made of them before."""
    made, (logits, *grown) = memory.outputs, decoder.outputs
    ids, _, *rest = decoder.inputs
    known = [spec for spec in rest if spec not in made]
    past = [_before(spec) for spec in made]
    flag = TensorSpec(BRANCH, "bool", (1,))
    inputs = (ids, *memory.inputs, *_by_layer(known, past), flag)
    return Signature(DECODER, inputs, (logits, *_by_layer(grown, made)))


def _before(spec: TensorSpec) -> TensorSpec:
    """What was made of states as it is given back: at first there is nothing."""
    axes = tuple(f"past_{axis}" if axis == _READ else axis for axis in spec.axes)
    return dataclasses.replace(spec, name=past_of(spec.name), axes=axes)


def _by_layer(*kinds: Sequence[TensorSpec]) -> tuple[TensorSpec, ...]:
    """Keys and values of both kinds, layer after layer: optimum takes them by their places."""
    layers = zip(*(zip(kind[::2], kind[1::2], strict=True) for kind in kinds), strict=True)
    return tuple(spec for layer in layers for pair in layer for spec in pair)
