"""Checkpoints of Hugging Face: ``config.json`` and a file of weights."""

from __future__ import annotations

import collections
import json
import pathlib
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints import sources, tables, writer_configs
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint, ModelWeights
from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.safetensors_files import write_safetensors
from keras_bert_zoo.checkpoints.tensors import CheckpointError, Tensor
from keras_bert_zoo.config import ConfigError, EncoderConfig

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def holds(directory: pathlib.Path) -> bool:
    """Whether a directory has a config and weights, whole or in shards."""
    return (directory / CONFIG).is_file() and _has_weights(directory)


def _has_weights(directory: pathlib.Path) -> bool:
    return any([*directory.glob("*.safetensors*"), *directory.glob("*.bin*")])


def read_config(directory: pathlib.Path) -> EncoderConfig:
    """Reads ``config.json``.

    Raises:
        FileNotFoundError: there is none, or this is not a directory of weights.
        ConfigError: it is damaged, of an unknown ``model_type``, or that of a model that writes.
    """
    if (directory / "manifest.json").is_file() and not _has_weights(directory):
        raise FileNotFoundError(
            f"{directory} was exported of a bundle. It can be asked (keras-bert-zoo predict, "
            "keras_bert_zoo.export.predictor), but holds no Keras model: pass the bundle."
        )
    if not (directory / CONFIG).is_file():
        if files := sorted(directory.glob("*.keras")):
            raise sources.keras_file(files[0])
        found = reprlib.repr(sorted(entry.name for entry in directory.iterdir()))
        raise FileNotFoundError(
            f"{directory} is no checkpoint: it holds no {CONFIG}, nor files of Google, TF Hub or "
            f"keras-hub. It holds {found}."
        )
    if writer_configs.holds(directory):
        raise ConfigError(
            f"{directory} holds a model that writes, not an encoder: load, predict and export take "
            "it, convert, info and resize do not."
        )
    config = EncoderConfig.from_file(directory / CONFIG)
    try:
        tables.architecture(config.model_type)
    except ValueError as error:
        raise ConfigError(f"{directory / CONFIG}: {error}") from error
    return config


def read(directory: pathlib.Path) -> Checkpoint:
    """Opens a checkpoint.

    Raises:
        CheckpointError: a file is damaged, or two tensors have one name in the table.
        FileNotFoundError, ConfigError: as for ``read_config``.
    """
    config = read_config(directory)
    architecture = tables.architecture(config.model_type)
    stored, groups = open_tensors(directory), collections.defaultdict(list)
    for name in stored:
        groups[architecture.canonical(name)].append(name)
    double = [sorted(names) for names in groups.values() if len(names) > 1]
    if double:
        raise CheckpointError(f"The checkpoint holds the same tensors under two names: {double}")
    names = {row: stored_as for row, (stored_as,) in groups.items()}
    tensors = {row: stored[name] for row, name in names.items()}
    return Checkpoint(config, tensors, names, {}, directory)


def write(
    weights: ModelWeights,
    directory: pathlib.Path,
    dtype: np.dtype | None = None,
    done: Callable[[int], Any] = lambda size: None,
) -> dict[str, str]:
    """Writes config and tensors.

    Args:
        weights: of a model.
        directory: which exists.
        dtype: what to round the tensors to; by default they keep their types.
        done: is told the size of each tensor that was read, in bytes.

    Returns:
        The names of the tensors by those of the table.

    Raises:
        OSError: a file cannot be written.
    """
    architecture = tables.architecture(weights.config.model_type)
    values = weights.config.to_dict()
    values["architectures"] = [architecture.classes[weights.task]]
    names = {row.tensor: architecture.stored(row, weights.task) for row in weights.rows}
    tensors = {name: weights.tensors[row] for row, name in names.items()}
    write_files(values, tensors, directory, dtype, done)
    return names


def write_files(
    values: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    directory: pathlib.Path,
    dtype: np.dtype | None = None,
    done: Callable[[int], Any] = lambda size: None,
) -> None:
    """Writes ``config.json`` and the tensors by their names in the file, see ``write``."""
    # `transformers` converts the weights to the type stated here.
    values = {key: value for key, value in values.items() if key != "torch_dtype"}
    values["dtype"] = str(dtype or next(iter(tensors.values())).dtype)
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True)
    (directory / CONFIG).write_text(text + "\n", encoding="utf-8")
    write_safetensors(directory / WEIGHTS, tensors, dtype, done)
