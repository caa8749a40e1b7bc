"""How large the file of a format gets, estimated from the sizes of an encoder."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import NamedTuple

from keras_bert_zoo.config import EncoderConfig


class _Parts(NamedTuple):
    """Of an encoder how many there are, of a format how many bytes each takes."""

    words: float  # numbers in the table of words
    tables: float  # numbers in those of positions and segments
    kernels: float  # numbers in kernels
    rest: float  # biases and normalisations
    rows: float = 0  # words, which have a scale each
    outputs: float = 0  # outputs of kernels, likewise


_FLOAT32, _FLOAT16 = _Parts(4, 4, 4, 4), _Parts(2, 2, 2, 2)
_TFLITE_INT8 = _Parts(1, 2, 1, 4, 12, 12)  # a scale of 4 bytes and a zero point of 8
# Four bits are half a byte; beside them lie scales of 2 or 4 bytes for blocks of 32 or 64.
_STORAGES: Mapping[str, _Parts] = {
    "tflite": _FLOAT32,
    "tflite-float16": _FLOAT16,
    "tflite-weight-int8": _TFLITE_INT8,
    "tflite-int8": _TFLITE_INT8,
    "tflite-int8-words-int4": _TFLITE_INT8._replace(words=0.5 + 2 / 64, rows=0),
    "tflite-int4": _Parts(0.5 + 2 / 32, 2, 0.5 + 2 / 32, 4),
    "onnx": _FLOAT32,
    "onnx-float16": _FLOAT16,
    "onnx-int8": _Parts(1, 1, 1, 4, 4, 4),
    "onnx-int4": _Parts(1, 1, 0.5 + 4 / 32, 4, 4),
}


def estimated_sizes(config: EncoderConfig) -> dict[str, int]:
    """Returns bytes by format, of a file that holds the encoder with its pooler.

    The graph, less than 1 MB, is left out, and so are formats whose size depends on texts or on
    the tokenizer in the file.
    """
    choices, words = config.choices, config.vocab_size * config.table_width
    tables = choices.tables(config)
    shapes = config.groups * choices.block_kernels(config) + choices.outer_kernels(config)
    kernels = sum(inputs * outputs for inputs, outputs in shapes)
    rest = config.parameters - words - tables - kernels
    outputs = sum(outputs for _, outputs in shapes)
    counts = _Parts(words, tables, kernels, rest, config.vocab_size, outputs)
    return {
        name: round(sum(map(operator.mul, counts, storage))) for name, storage in _STORAGES.items()
    }
