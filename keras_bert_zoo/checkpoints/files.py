"""Which files of a directory hold the weights, and all their tensors by name."""

from __future__ import annotations

import pathlib
import reprlib
from collections.abc import Callable

from keras_bert_zoo.checkpoints.safetensors_files import open_safetensors
from keras_bert_zoo.checkpoints.tensors import CheckpointError, StoredTensor
from keras_bert_zoo.checkpoints.torch_files import open_torch
from keras_bert_zoo.foreign import is_inside, read_json

Reader = Callable[[pathlib.Path], dict[str, StoredTensor]]

# In the order of preference of `transformers`.
WEIGHT_FILES: dict[str, Reader] = {
    "model.safetensors": open_safetensors,
    "pytorch_model.bin": open_torch,
}


def open_tensors(directory: pathlib.Path) -> dict[str, StoredTensor]:
    """Returns every tensor of a checkpoint by name, values unread.

    Raises:
        FileNotFoundError: the directory has no file of weights, or a shard is missing.
        CheckpointError: a file is damaged, or the index of the shards does not match them.
    """
    for name, reader in WEIGHT_FILES.items():
        if (directory / name).is_file():
            return reader(directory / name)
        if (directory / f"{name}.index.json").is_file():
            return _open_shards(directory / f"{name}.index.json", reader)
    found = reprlib.repr(sorted(path.name for path in directory.iterdir()))
    valid = [name for file in WEIGHT_FILES for name in (file, f"{file}.index.json")]
    raise FileNotFoundError(f"{directory} holds none of {valid}. It holds {found}.")


def _open_shards(index: pathlib.Path, reader: Reader) -> dict[str, StoredTensor]:
    tensors = {}
    places = _weight_map(index)
    for name in sorted(set(places.values())):
        shard = index.parent / name
        if not shard.is_file():
            raise FileNotFoundError(f"{index} names {name}, which is not in {index.parent}.")
        wanted = {tensor for tensor, place in places.items() if place == name}
        stored = reader(shard)
        if wanted != set(stored):
            raise CheckpointError(
                f"{index} and {shard} disagree about {sorted(wanted ^ set(stored))}. "
                "Fetch the checkpoint again."
            )
        tensors.update(stored)
    return tensors


def _weight_map(index: pathlib.Path) -> dict[str, str]:
    places = read_json(index, CheckpointError).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(f"{index} is not an index of shards: it has no weight_map of names.")
    outside = [n for n in places.values() if not is_inside(n) or pathlib.PurePath(n).name != n]
    if outside:
        raise CheckpointError(
            f"{index} names files outside its directory: {reprlib.repr(outside)}. A shard is named "
            "by its file name alone."
        )
    return places
