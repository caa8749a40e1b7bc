"""Directories of sentence-transformers: an encoder, and folders that say what follows it."""

from __future__ import annotations

import dataclasses
import json
import logging
import pathlib
import reprlib
import shutil
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors.numpy

from keras_bert_zoo.checkpoints.files import open_tensors
from keras_bert_zoo.checkpoints.keras_hub_presets import embedder_head
from keras_bert_zoo.checkpoints.tables import Row
from keras_bert_zoo.checkpoints.tensors import CheckpointError, StoredTensor
from keras_bert_zoo.config import MAX_SIZES, POOLINGS
from keras_bert_zoo.foreign import is_inside, read_json
from keras_bert_zoo.rules import choice, list_of, or_none, problems_of, size

Head = dict[str, Any]  # arguments of `SentenceEmbedder`

_MODULES, _LENGTHS = "modules.json", "sentence_bert_config.json"
_GENERAL = "config_sentence_transformers.json"
# What `write_modules` may write.
WRITTEN = (_MODULES, _LENGTHS, _GENERAL, "1_Pooling", "2_Dense", "2_Normalize", "3_Normalize")

# Old releases read these names too, in this order where there are several.
_POOLING_KEYS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
# By torch's names.
_ACTIVATIONS: dict[str, str | None] = {
    "torch.nn.modules.linear.Identity": None,
    "torch.nn.modules.activation.Tanh": "tanh",
    "torch.nn.modules.activation.ReLU": "relu",
    "torch.nn.modules.activation.GELU": "gelu",
    "torch.nn.modules.activation.SiLU": "silu",
}
_KNOWN = list_of(choice(*POOLINGS))
# As in `config.json`: the limits of `EncoderConfig`.
_RULES = {
    "max_seq_length": or_none(size(MAX_SIZES["max_position_embeddings"])),
    "dense_units": or_none(size(MAX_SIZES["hidden_size"])),
    "truncate_dim": or_none(size(MAX_SIZES["hidden_size"])),
}
_KERNEL = Row("linear.weight", "dense/kernel", transposed=True, in_encoder=False)
_BIAS = Row("linear.bias", "dense/bias", in_encoder=False)

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class SentenceModules:
    """What ``modules.json`` names.

    Args:
        encoder: the folder of the encoder.
        head: arguments of ``models.SentenceEmbedder``.
        rows: of the dense layer, none where there is none.
        tensors: of the dense layer.
    """

    encoder: pathlib.Path
    head: Mapping[str, Any]
    rows: tuple[Row, ...] = ()
    tensors: Mapping[str, StoredTensor] = dataclasses.field(default_factory=dict)


def is_sentence_directory(directory: pathlib.Path) -> bool:
    """Whether a directory says what follows its encoder."""
    return (directory / _MODULES).is_file() or bool(embedder_head(directory))


def encoder_folder(directory: pathlib.Path) -> pathlib.Path:
    """Where the encoder of a directory lies: old releases gave it a folder of its own.

    Raises:
        CheckpointError: a file is damaged, or names a folder outside the directory.
    """
    path = directory / _MODULES
    if not path.is_file() or (directory / "config.json").is_file():
        return directory
    found = (module for module in _modules(path) if _kind(module) == "Transformer")
    return next((_of_encoder(path, module.get("path")) for module in found), directory)


def read_modules(directory: pathlib.Path) -> SentenceModules:
    """Reads a directory of sentence-transformers, or what a preset of keras-hub says.

    A bare encoder has its mean taken.

    Raises:
        CheckpointError: a file is damaged, or says what this project does not do.
        FileNotFoundError: a folder or file that is named is not there.
    """
    path = directory / _MODULES
    if not path.is_file():
        return SentenceModules(directory, embedder_head(directory) or {"pooling": ["mean"]})
    kinds, folders = [], {}
    for module in _modules(path):
        kind = _kind(module)
        kinds.append(kind)
        place = _of_encoder if kind == "Transformer" else _inside
        folders[kind] = place(path, module.get("path"))
    if kinds not in _CHAINS:
        raise CheckpointError(
            f"{path} names {kinds}. Known are Transformer, Pooling, then perhaps Dense, then "
            "perhaps Normalize."
        )
    head: Head = {}
    for kind, folder in folders.items():
        head.update(_READERS[kind](folder))
    _warn_of_prompts(directory / _GENERAL, head)
    _check_head(path, head)
    if "Dense" not in folders:
        return SentenceModules(folders["Transformer"], head)
    rows = (_KERNEL, *[_BIAS] * head["dense_bias"])
    return SentenceModules(folders["Transformer"], head, rows, open_tensors(folders["Dense"]))


def write_modules(
    head: Mapping[str, Any], width: int, directory: pathlib.Path, dense: Any = None
) -> None:
    """Writes what makes a directory with an encoder one of sentence-transformers.

    Args:
        head: arguments of ``models.SentenceEmbedder``.
        width: of the encoder.
        directory: that of the encoder.
        dense: the layer, where the arguments say that there is one.
    """
    folders = {"Transformer": "", "Pooling": "1_Pooling"}
    _write(directory / "1_Pooling" / "config.json", _pooling_config(head["pooling"], width))
    if dense is not None:
        folders["Dense"] = "2_Dense"
        _write_dense(head, dense, directory / "2_Dense", len(head["pooling"]) * width)
    if head["normalize"]:
        folders["Normalize"] = f"{len(folders)}_Normalize"
        (directory / folders["Normalize"]).mkdir()
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(folders.items())
    ]
    _write(directory / _MODULES, modules)
    _write(
        directory / _LENGTHS,
        {"max_seq_length": head["max_seq_length"], "do_lower_case": False},
    )
    general: dict[str, Any] = {
        "prompts": {},
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    if head.get("truncate_dim") is not None:
        general["truncate_dim"] = head["truncate_dim"]
    _write(directory / _GENERAL, general)


def copy_modules(source: pathlib.Path, width: int, directory: pathlib.Path) -> None:
    """Copies what says what follows an encoder, which lies in the directory itself.

    Args:
        source: a directory of sentence-transformers, or a preset of keras-hub.
        width: of the encoder.
        directory: where to.
    """
    if head := embedder_head(source):
        write_modules(head, width, directory)
    for path in (source / name for name in WRITTEN):
        if path.is_dir():
            shutil.copytree(path, directory / path.name)
        elif path.is_file():
            shutil.copyfile(path, directory / path.name)
    if (folder := encoder_folder(source)) != source:
        modules = _modules(source / _MODULES)
        here = [{**each, "path": ""} if _kind(each) == "Transformer" else each for each in modules]
        _write(directory / _MODULES, here)
        if (folder / _LENGTHS).is_file():
            shutil.copyfile(folder / _LENGTHS, directory / _LENGTHS)


def _read_transformer(folder: pathlib.Path) -> Head:
    path = folder / _LENGTHS
    if not path.is_file():
        return {}
    values = read_json(path, CheckpointError)
    if values.get("do_lower_case"):
        _log.warning("%s says do_lower_case: write texts in lower case before.", path)
    return {"max_seq_length": values.get("max_seq_length")}


def _read_pooling(folder: pathlib.Path) -> Head:
    path = folder / "config.json"
    values = read_json(path, CheckpointError)
    stated = values.get("pooling_mode")
    if stated is None:
        stated = [name for name, key in _POOLING_KEYS.items() if values.get(key)] or ["mean"]
    names = [stated] if isinstance(stated, str) else stated
    if not _KNOWN.holds(names) or not names or len(set(names)) < len(names):
        raise CheckpointError(
            f"{path} asks for {reprlib.repr(names)}. Known are {list(POOLINGS)}, each once."
        )
    return {"pooling": names}


def _read_dense(folder: pathlib.Path) -> Head:
    path = folder / "config.json"
    values = read_json(path, CheckpointError)
    activation = str(values.get("activation_function", "torch.nn.modules.activation.Tanh"))
    place = values.get("module_input_name", "sentence_embedding")
    if activation not in _ACTIVATIONS or place != "sentence_embedding":
        raise CheckpointError(
            f"{path} has activation_function {activation!r} on {place!r}. Known are "
            f"{list(_ACTIVATIONS)} on 'sentence_embedding'."
        )
    return {
        "dense_units": values.get("out_features"),
        "dense_activation": _ACTIVATIONS[activation],
        "dense_bias": bool(values.get("bias", True)),
    }


def _read_normalize(folder: pathlib.Path) -> Head:
    return {"normalize": True}


_READERS: dict[str, Callable[[pathlib.Path], Head]] = {
    "Transformer": _read_transformer,
    "Pooling": _read_pooling,
    "Dense": _read_dense,
    "Normalize": _read_normalize,
}
_CHAINS = [
    ["Transformer", "Pooling", *dense, *normalize]
    for dense in ([], ["Dense"])
    for normalize in ([], ["Normalize"])
]


def _warn_of_prompts(path: pathlib.Path, head: Head) -> None:
    """Notes the width that is stated, and that a prompt is not written for the user."""
    values = read_json(path, CheckpointError) if path.is_file() else {}
    head["truncate_dim"] = values.get("truncate_dim")
    if values.get("default_prompt_name"):
        _log.warning(
            "%s puts the prompt %r of %r before each text: write it there yourself.",
            path,
            values["default_prompt_name"],
            values.get("prompts"),
        )


def _pooling_config(pooling: list[str], width: int) -> dict[str, Any]:
    if pooling != [name for name in _POOLING_KEYS if name in pooling]:
        # The old names have one order only.
        return {"embedding_dimension": width, "pooling_mode": pooling, "include_prompt": True}
    modes = {key: name in pooling for name, key in _POOLING_KEYS.items()}
    return {"word_embedding_dimension": width, **modes, "include_prompt": True}


def _write_dense(head: Mapping[str, Any], layer: Any, folder: pathlib.Path, width: int) -> None:
    names = {ours: theirs for theirs, ours in _ACTIVATIONS.items()}
    values = {
        "in_features": width,
        "out_features": head["dense_units"],
        "bias": head["dense_bias"],
        "activation_function": names[head["dense_activation"]],
    }
    _write(folder / "config.json", values)
    arrays = {_KERNEL.tensor: np.ascontiguousarray(layer.kernel.numpy().T)}
    if head["dense_bias"]:
        arrays[_BIAS.tensor] = layer.bias.numpy()
    safetensors.numpy.save_file(arrays, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)


def _modules(path: pathlib.Path) -> list[dict[str, Any]]:
    modules = read_json(path, CheckpointError, list)
    if not all(isinstance(module, dict) for module in modules):
        raise CheckpointError(f"{path} must hold a list of objects, one for each module.")
    return modules


def _kind(module: Mapping[str, Any]) -> str:
    return str(module.get("type")).rpartition(".")[2]


def _inside(path: pathlib.Path, folder: Any) -> pathlib.Path:
    if not is_inside(folder):
        raise CheckpointError(f"{path} names a folder outside its directory: {folder!r}")
    return path.parent / folder


def _of_encoder(path: pathlib.Path, folder: Any) -> pathlib.Path:
    # Others may be missing: what only normalises has no files, and no folder in a repository.
    found = _inside(path, folder)
    if not found.is_dir():
        raise CheckpointError(f"{path} names {folder!r} for the encoder, which is no folder there.")
    return found


def _check_head(path: pathlib.Path, head: Head) -> None:
    rules = {name: rule for name, rule in _RULES.items() if name in head}
    if problems := problems_of(types.SimpleNamespace(**head), rules):
        raise CheckpointError(f"{path} and its folders: {'; '.join(problems)}.")


def _write(path: pathlib.Path, values: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
