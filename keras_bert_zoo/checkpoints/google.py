"""Google's BERT checkpoints: ``bert_config.json``, ``bert_model.ckpt.*`` and ``vocab.txt``."""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_bert_zoo.checkpoints import casing, tables
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint, ModelWeights
from keras_bert_zoo.checkpoints.google_names import arranged, name_of
from keras_bert_zoo.checkpoints.heads import fullest_task, stated_class
from keras_bert_zoo.checkpoints.tensor_bundles import INDEX, open_bundle, write_bundle
from keras_bert_zoo.checkpoints.tensors import Tensor, transposed
from keras_bert_zoo.config import ConfigError, EncoderConfig

CONFIG, PREFIX, VOCABULARY = "bert_config.json", "bert_model.ckpt", "vocab.txt"
# What MobileBERT's `BertConfig` takes for granted, where `transformers` takes something else.
_MOBILEBERT = {
    "model_type": "mobilebert",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "use_bottleneck": False,
    "key_query_shared_bottleneck": False,
    "num_feedforward_networks": 1,
    "normalization_type": "layer_norm",
}
_INDICES = re.compile(rf"(.+\.ckpt(?:-\d+)?){re.escape(INDEX)}")


# === Reading ===


def holds(path: pathlib.Path) -> bool:
    """Whether a path is that of a checkpoint of Google, or a directory with such."""
    return _is_prefix(path) or (path / CONFIG).is_file() or bool(_prefixes(path))


def read_config(path: pathlib.Path) -> EncoderConfig:
    """Reads ``bert_config.json``; the heads in the checkpoint say what ``architectures`` is.

    Args:
        path: a directory with one checkpoint, or the prefix of one.

    Raises:
        FileNotFoundError: there is no such file, or no checkpoint.
        ValueError: there are several checkpoints.
        ConfigError: the file is damaged.
        CheckpointError: the checkpoint is damaged.
    """
    return _open(path)[0]


def read(path: pathlib.Path) -> Checkpoint:
    """Opens a checkpoint of either TensorFlow; raises as ``read_config`` does."""
    config, tensors, names, skipped = _open(path)
    directory = _directory(path)
    stated = any((directory / file).is_file() for file in casing.STATED_IN)
    lower_case = functools.partial(casing.lower_case, directory, directory / VOCABULARY)
    return Checkpoint(config, tensors, names, skipped, directory, None if stated else lower_case)


def _open(
    path: pathlib.Path,
) -> tuple[EncoderConfig, dict[str, Tensor], dict[str, str], dict[str, str]]:
    directory = _directory(path)
    if not (directory / CONFIG).is_file():
        raise FileNotFoundError(f"{directory} holds no {CONFIG}. It holds {_listed(directory)}.")
    config = EncoderConfig.from_file(directory / CONFIG, _completed)
    found = arranged(open_bundle(_prefix(path)), config)
    if stated_class(config) is None:
        classes = tables.architecture(config.model_type).classes
        stated = [classes[fullest_task(tables.architecture(config.model_type), config, found[0])]]
        config = config.replace(extra={**config.extra, "architectures": stated})
    return config, *found


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """The content of ``bert_config.json``; MobileBERT's is known by a key of its own.

    Raises:
        ConfigError: it is a MobileBERT with layer normalisations: the published one has none, and
            `transformers` computes two of them with another epsilon.
    """
    if "model_type" in values or "trigram_input" not in values:
        return values
    values = {**_MOBILEBERT, **values}
    if values["normalization_type"] != "no_norm":
        raise ConfigError(
            "Of MobileBERTs in Google's files those are read whose normalization_type is "
            f"'no_norm', received {values['normalization_type']!r}."
        )
    return values


# === Which files ===


def _is_prefix(path: pathlib.Path) -> bool:
    return pathlib.Path(f"{path}{INDEX}").is_file()


def _directory(path: pathlib.Path) -> pathlib.Path:
    return path.parent if _is_prefix(path) else path


def _prefixes(directory: pathlib.Path) -> list[str]:
    matches = [_INDICES.fullmatch(name) for name in _listed(directory)]
    return [match[1] for match in matches if match]


def _listed(directory: pathlib.Path) -> list[str]:
    names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
    return sorted(names, key=lambda name: (len(name), name))


def _prefix(path: pathlib.Path) -> pathlib.Path:
    if _is_prefix(path):
        return path
    found = _prefixes(path)
    if not found:
        raise FileNotFoundError(
            f"{path} holds no checkpoint of TensorFlow, such as {PREFIX}{INDEX}. It holds "
            f"{_listed(path)}."
        )
    if len(found) > 1:
        raise ValueError(f"{path} holds the checkpoints {found}. Name one: {path / found[-1]}.")
    return path / found[0]


# === Writing ===


def write(
    weights: ModelWeights,
    directory: pathlib.Path,
    dtype: np.dtype | None = None,
    done: Callable[[int], Any] = lambda size: None,
) -> dict[str, str]:
    """Writes config and tensors, these with the names and layouts of TensorFlow 1.

    Args:
        weights: of a BERT.
        directory: which exists.
        dtype: what to round the tensors to; by default they keep their types.
        done: is told the size of each tensor that was read, in bytes.

    Returns:
        The names of the tensors by those of the table.

    Raises:
        ValueError: the model is none that Google's files describe.
        OSError: a file cannot be written.
    """
    config = weights.config
    if config.model_type != "bert":
        raise ValueError(
            f"Google's files hold a BERT: model_type must be 'bert', received "
            f"{config.model_type!r}. Use another format."
        )
    values = {**config.to_dict(), "architectures": [tables.BERT.classes[weights.task]]}
    for key in ("model_type", "dtype", "torch_dtype"):
        values.pop(key, None)
    text = json.dumps(values, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (directory / CONFIG).write_text(text, encoding="utf-8")
    names = {row.tensor: name_of(row) for row in weights.rows}
    tensors = {
        name: transposed(weights.tensors[row]) if name.endswith("/kernel") else weights.tensors[row]
        for row, name in names.items()
    }
    write_bundle(directory / PREFIX, tensors, dtype, done)
    return names
