"""Checkpoints of models that write, in the layout of Hugging Face."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.hugging_face import write_files
from keras_bert_zoo.checkpoints.tables.writers import (
    BIAS_OF_WORDS,
    FUSED,
    tied_copies,
    writer_tables,
)
from keras_bert_zoo.checkpoints.tensors import CheckpointError, LazyTensor, Tensor
from keras_bert_zoo.checkpoints.weights import build_from_tensors, tensors_of
from keras_bert_zoo.checkpoints.writer_configs import read_config
from keras_bert_zoo.generator_config import DecoderConfig, Seq2SeqConfig
from keras_bert_zoo.models import CausalLM, Decoder, encoder_decoder_of
from keras_bert_zoo.models.writer import Writer


def load(directory: pathlib.Path, options: Mapping[str, Any]) -> Writer:
    """Builds a model with the weights of a directory.

    Args:
        directory: with config and weights.
        options: ``packed``, ``recompute`` and ``dtype``, see ``Encoder``.

    Raises:
        CheckpointError: the weights are damaged or do not fit the config.
        FileNotFoundError, ConfigError: as for ``writer_configs.read_config``.
    """
    config = read_config(directory)
    tables = writer_tables(config)
    tensors = opened({tables.canonical(k): v for k, v in open_tensors(directory).items()})
    make = functools.partial(_model_of, config, dict(options))
    return build_from_tensors(make, tables, tables.body, tensors)


def _model_of(config: DecoderConfig | Seq2SeqConfig, options: dict[str, Any]) -> Writer:
    dtype = options.pop("dtype")
    if isinstance(config, DecoderConfig):
        return CausalLM(Decoder(config, **options, dtype=dtype))
    return encoder_decoder_of(config, encoder=options, decoder=options, dtype=dtype)


def write(model: Writer, directory: pathlib.Path) -> None:
    """Writes config and tensors.

    Raises:
        CheckpointError: the model's variables are not those of its config.
        OSError: a file cannot be written.
    """
    tables = writer_tables(model.config)
    tensors = tensors_of(model, tables.body)
    # Not every reader ties: `transformers` 5 reads both sides.
    tensors |= {copy: tensors[name] for copy, name in tied_copies(model.config).items()}
    stored = {tables.prefix + name: tensor for name, tensor in closed(tensors).items()}
    values = model.config.to_dict() | {"architectures": [tables.classes[model.task]]}
    write_files(values, stored, directory)


def opened(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as the tables name them: what is fused apart, a row for all words flat."""
    opened: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        fused = next((key for key in FUSED if f".{key}." in name), None)
        if fused:
            opened |= _split(name, tensor, fused)
        elif name == BIAS_OF_WORDS and len(tensor.shape) == 2:
            flat = functools.partial(_flat, tensor)
            opened[name] = LazyTensor(tensor.dtype, tensor.shape[1:], flat)
        else:
            opened[name] = tensor
    return opened


def _flat(tensor: Tensor) -> np.ndarray:
    return tensor.read().reshape(-1)


def _split(name: str, tensor: Tensor, fused: str) -> dict[str, Tensor]:
    parts = FUSED[fused]
    if not tensor.shape or tensor.shape[-1] % len(parts):
        raise CheckpointError(
            f"{name} has shape {tensor.shape}: its last axis must be {len(parts)} equal parts."
        )
    width = tensor.shape[-1] // len(parts)
    return {
        name.replace(fused, part): LazyTensor(
            tensor.dtype,
            (*tensor.shape[:-1], width),
            functools.partial(_columns, tensor, index * width, width),
        )
        for index, part in enumerate(parts)
    }


def _columns(tensor: Tensor, start: int, width: int) -> np.ndarray:
    return tensor.read()[..., start : start + width]


def closed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as files have them, see ``opened``."""
    closed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        fused = next((key for key, parts in FUSED.items() if f".{parts[0]}." in name), None)
        if fused:
            together = [tensors[name.replace(FUSED[fused][0], part)] for part in FUSED[fused]]
            shape = (*tensor.shape[:-1], sum(part.shape[-1] for part in together))
            join = functools.partial(_joined, together)
            closed[name.replace(FUSED[fused][0], fused)] = LazyTensor(tensor.dtype, shape, join)
        elif any(f".{part}." in name for parts in FUSED.values() for part in parts[1:]):
            continue
        elif name == BIAS_OF_WORDS:
            row = functools.partial(_row, tensor)
            closed[name] = LazyTensor(tensor.dtype, (1, *tensor.shape), row)
        else:
            closed[name] = tensor
    return closed


def _joined(parts: list[Tensor]) -> np.ndarray:
    return np.concatenate([part.read() for part in parts], axis=-1)


def _row(tensor: Tensor) -> np.ndarray:
    return tensor.read()[None]
