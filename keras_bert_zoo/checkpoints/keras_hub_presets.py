"""Reading preset directories of keras-hub, without keras-hub.

``config.json`` states the backbone and ``task.json`` the model with a head, each as Keras
serialises objects. ``model.weights.h5``, or shards with ``model.weights.json``, and
``task.weights.h5`` hold the weights.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.checkpoints.hdf5_files import open_hdf5
from keras_bert_zoo.checkpoints.keras_hub_places import (
    BACKBONE,
    POSITIONS,
    SEGMENTS,
    TASK,
    Preset,
)
from keras_bert_zoo.checkpoints.keras_hub_tables import BACKBONES
from keras_bert_zoo.checkpoints.tables import Row
from keras_bert_zoo.checkpoints.tensors import (
    CheckpointError,
    LazyTensor,
    StoredTensor,
    Tensor,
)
from keras_bert_zoo.config import ConfigError, EncoderConfig

_CONFIG, _TASK, _PREPROCESSOR = "config.json", "task.json", "preprocessor.json"
_HEAD = "task.weights.h5"
# What `save_to_preset` writes, besides the config and the tokenizer.
WRITTEN = (
    *(_TASK, _PREPROCESSOR, "metadata.json", "assets", _HEAD),
    *("model.weights.h5", "model.weights.json", "model_*.weights.h5"),
)
_NO_POOLER = "zeros, where the model has no pooler: a backbone of keras-hub always has one"
_CLASSES = "sequence_classification"
# State of a training, which a model that was compiled keeps.
_TRAINING = re.compile(r"(.*/)?(optimizer|seed_generator)/.*")

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Stated:
    """What the files say: an architecture, its sizes, the task, and the arguments of its head.

    ``unread`` is why there is no task although there is a head.
    """

    preset: Preset
    sizes: Mapping[str, Any]
    task: str | None
    head: Mapping[str, Any]
    unread: str | None


def holds(directory: pathlib.Path) -> bool:
    """Whether ``config.json`` is an object that Keras serialised."""
    try:
        values = json.loads((directory / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and "registered_name" in values


def read_config(directory: pathlib.Path) -> EncoderConfig:
    """Returns the config of a preset and its head.

    Raises:
        CheckpointError: the backbone is of an architecture that is not read.
        ConfigError: a file is no JSON, lacks a size, or contradicts itself.
    """
    return _config(directory, _read(directory))


def read(directory: pathlib.Path) -> Checkpoint:
    """Opens a preset; a head that no model of ours has is left unread, with a warning.

    Raises:
        FileNotFoundError: there is no file of weights, or a shard is missing.
        CheckpointError: a file is damaged.
        ConfigError: see ``read_config``.
    """
    stated = _read(directory)
    config = _config(directory, stated)
    skipped = {_HEAD: stated.unread} if stated.unread else {}
    for file, reason in skipped.items():
        _log.warning("%s of %s is left unread: %s.", file, directory, reason)
    architecture = tables.architecture(config.model_type)
    head = stated.task if stated.task and architecture.heads[stated.task] else None
    rows = architecture.rows(config, pooler=stated.preset.has_pooler, task=head)
    addresses = stated.preset.addresses([row.variable for row in rows], config)
    files = {**_weights(directory, BACKBONE), **(_weights(directory, TASK) if head else {})}
    # A variable of theirs may be of several rows.
    known = {row: addresses[row.variable].stored for row in rows}
    pooler = [name for row, name in known.items() if row in architecture.pooler and name in files]
    if head is None and not any(files[name].read().any() for name in pooler):
        skipped |= dict.fromkeys(pooler, _NO_POOLER)
        known = {row: name for row, name in known.items() if name not in pooler}
    tensors: dict[str, Tensor] = {
        row.tensor: _made(stated.preset, row, _laid_out(files[name], row, config))
        for row, name in known.items()
        if name in files
    }
    names = {row.tensor: name for row, name in known.items()}
    for name in sorted(files.keys() - set(known.values()) - set(skipped)):
        if spare := stated.preset.why_spare(name):
            skipped[name] = spare
        else:
            tensors[name], names[name] = files[name], name
    return Checkpoint(config, tensors, names, skipped, directory)


def embedder_head(directory: pathlib.Path) -> dict[str, Any]:
    """Returns the arguments of ``SentenceEmbedder`` that a text embedder states, or none."""
    stated = _read(directory) if holds(directory) else None
    if stated is None or stated.task != "sentence_embedding":
        return {}
    path = directory / _PREPROCESSOR
    _, preprocessor = _object(path) if path.is_file() else ("", {})
    return {
        "pooling": [stated.head.get("pooling_mode", "mean")],
        "normalize": stated.head.get("normalize", True),
        "max_seq_length": preprocessor.get("sequence_length"),
    }


def _config(directory: pathlib.Path, stated: _Stated) -> EncoderConfig:
    preset, task = stated.preset, stated.task
    architecture = tables.architecture(preset.model_type)
    further: dict[str, Any] = {
        "architectures": [architecture.classes.get(task, architecture.classes[None])]
    }
    if task == _CLASSES:
        further["num_labels"] = stated.head.get("num_classes")
        further[preset.dropout] = stated.head.get("dropout")
    try:
        return preset.config(stated.sizes, **further)
    except ConfigError as error:
        raise ConfigError(f"{directory / _CONFIG}: {error}") from error


def _made(preset: Preset, row: Row, tensor: StoredTensor) -> Tensor:
    """A tensor as ours has it: with rows that theirs lacks, and zeros for what it has added."""
    if row.variable not in (POSITIONS, SEGMENTS) or not preset.offset:
        return tensor
    rows = 1 if row.variable == SEGMENTS else preset.offset + tensor.shape[0]
    return LazyTensor(
        tensor.dtype, (rows, *tensor.shape[1:]), lambda: preset.as_ours(row.variable, tensor.read())
    )


def _laid_out(tensor: StoredTensor, row: Row, config: EncoderConfig) -> StoredTensor:
    """A tensor as PyTorch has it: heads side by side, kernels transposed."""
    shape, wide = tensor.shape, config.hidden_size
    if "/attention/" in row.variable:
        heads = (config.num_attention_heads, config.head_size)
        flat = {(wide, *heads): (wide, wide), (*heads, wide): (wide, wide), heads: (wide,)}
        shape = flat.get(shape, shape)
    if row.transposed and len(shape) == 2:
        return dataclasses.replace(tensor, shape=shape[::-1], strides=(1, shape[1]))
    return dataclasses.replace(tensor, shape=shape)


def _weights(directory: pathlib.Path, kind: str) -> dict[str, StoredTensor]:
    """The arrays of a file or its shards, by the kind and the path."""
    whole, index = directory / f"{kind}.weights.h5", directory / f"{kind}.weights.json"
    return {
        f"{kind}/{name}": tensor
        for path in ([whole] if whole.is_file() else _shards(index))
        for name, tensor in open_hdf5(path).items()
        if not _TRAINING.fullmatch(name)
    }


def _shards(index: pathlib.Path) -> list[pathlib.Path]:
    if not index.is_file():
        found = sorted(path.name for path in index.parent.iterdir())
        raise FileNotFoundError(
            f"{index.parent} holds neither {index.stem}.h5 nor {index.name}. It holds {found}."
        )
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        # The variables of a layer may be in several.
        names = {name for each in places for name in ([each] if isinstance(each, str) else each)}
        paths = [index.parent / pathlib.PurePath(name).name for name in sorted(names)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} is not an index of shards: {error!r}") from error
    if missing := [path.name for path in paths if not path.is_file()]:
        raise FileNotFoundError(f"{index} names {missing}, which {index.parent} does not hold.")
    return paths


def _read(directory: pathlib.Path) -> _Stated:
    name, sizes = _object(directory / _CONFIG)
    if name not in BACKBONES:
        raise CheckpointError(
            f"{directory / _CONFIG} is of keras-hub's {name!r}; read are {sorted(BACKBONES)}."
        )
    preset, path = BACKBONES[name], directory / _TASK
    if not path.is_file():
        return _Stated(preset, sizes, None, {}, None)
    name, head = _object(path)
    kind = name.removeprefix(preset.prefix)
    task, unread = preset.heads.get(kind), preset.unlike.get(kind)
    activation, width = head.get("activation"), head.get("hidden_dim")
    if task == _CLASSES and activation not in (None, "linear"):
        task, unread = None, f"it has the activation {activation!r} where ours returns logits"
    elif task == _CLASSES and width not in (None, sizes.get("hidden_dim")):
        task, unread = None, f"its layer before the classes has {width} units, not the encoder's"
    elif task is None and unread is None:
        unread = f"no task is like {name}"
    return _Stated(preset, sizes, task, head, unread)


def _object(path: pathlib.Path) -> tuple[str, Mapping[str, Any]]:
    """The class and the arguments of a serialised object."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        name, arguments = values["class_name"], values["config"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"{path} is not what Keras writes of an object: {error!r}") from error
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise ConfigError(
            f"{path} must name a class and its arguments, received {name!r} and {arguments!r}."
        )
    return name, arguments
