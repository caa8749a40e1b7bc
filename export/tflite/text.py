"""TFLite files that take a text: the tokenizer in front of the model. TensorFlow only.

The tokenizer is converted alone, which takes seconds, and its operators are put before those
of the model. Three are custom operators of tensorflow-text; LiteRT runs them once they are
registered, see ``runtimes``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.device import DeviceTokenizer

from ..signature import Signature, TensorSpec
from . import model as tflite_model

OPERATORS = (
    "custom:FastBertNormalize",
    "custom:FastWordpieceTokenizeWithOffsets",
    "custom:TFText>WhitespaceTokenizeWithOffsetsV2",
)
_TEXT = "text"


def take_text(
    model: Any, signatures: tuple[Signature, ...], tokenizer: Any
) -> tuple[Signature, ...]:
    """Puts the tokenizer before each subgraph of a model.

    Args:
        model: a ``ModelT`` whose subgraphs have fixed lengths.
        signatures: of its subgraphs.
        tokenizer: a ``WordPieceTokenizer``.

    Returns:
        The signatures that take ``text``, a string ``(1,)``.
    """
    changed = []
    for index, signature in enumerate(signatures):
        length = int(signature.inputs[0].axes[1])
        names = [spec.name for spec in signature.inputs]
        front = tflite_model.read(convert_tokenizer(tokenizer, length, names))
        name = signature.name.replace("ids", _TEXT)
        _prepend(model, index, front, name)
        text = TensorSpec(_TEXT, "string", (1,))
        changed.append(Signature(name, (text,), signature.outputs))
    return tuple(changed)


def convert_tokenizer(tokenizer: Any, length: int, names: Sequence[str]) -> bytes:
    """A file with the tokenizer alone: ``text`` to rows of a length, those a model takes."""
    module = tf.Module()
    module.tokenizer = DeviceTokenizer(tokenizer, length)

    def rows(text: tf.Tensor) -> dict[str, tf.Tensor]:
        made = module.tokenizer(text)
        return {name: made[name] for name in names}

    spec = tf.TensorSpec((1,), tf.string, name=_TEXT)
    traced = tf.function(rows, autograph=False).get_concrete_function(text=spec)
    with tempfile.TemporaryDirectory() as directory:
        tf.saved_model.save(module, directory, signatures={_TEXT: traced})
        converter = tf.lite.TFLiteConverter.from_saved_model(directory, signature_keys=[_TEXT])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.allow_custom_ops = True
        return converter.convert()


def _prepend(model: Any, index: int, front: Any, name: str) -> None:
    """Puts the one subgraph of ``front`` before another; its outputs become that one's inputs."""
    graph, [first], [made] = model.subgraphs[index], front.subgraphs, front.signatureDefs
    [taken] = [s for s in model.signatureDefs if s.subgraphIndex == index]
    shifts = (len(model.buffers), len(model.operatorCodes), len(graph.tensors))
    buffers, codes, tensors = shifts
    model.buffers += front.buffers
    model.operatorCodes += front.operatorCodes
    # Name of an output, and where it is wanted.
    wanted = {entry.name: entry.tensorIndex for entry in taken.inputs}
    places = {entry.tensorIndex: wanted[entry.name] for entry in made.outputs}
    for tensor in first.tensors:
        tensor.buffer = tensor.buffer + buffers if tensor.buffer else 0
    for old, new in places.items():
        graph.tensors[new].buffer = first.tensors[old].buffer  # where it is a constant
    for operator in first.operators:
        operator.opcodeIndex += codes
        operator.inputs = [_moved(tensor, tensors, places) for tensor in operator.inputs]
        operator.outputs = [_moved(tensor, tensors, places) for tensor in operator.outputs]
    graph.tensors += first.tensors
    graph.operators = [*first.operators, *graph.operators]
    graph.inputs, graph.name = [made.inputs[0].tensorIndex + tensors], name.encode()
    taken.inputs, taken.signatureKey = made.inputs, name.encode()
    taken.inputs[0].tensorIndex += tensors


def _moved(tensor: int, shift: int, places: dict[int, int]) -> int:
    return -1 if tensor < 0 else places.get(tensor, tensor + shift)
