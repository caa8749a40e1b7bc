"""Reading ``.safetensors`` files (https://github.com/huggingface/safetensors#format)."""

from __future__ import annotations

import math
import pathlib

import safetensors

from keras_bert_zoo.checkpoints.tensors import DTYPES, CheckpointError, StoredTensor


def open_safetensors(path: pathlib.Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a file by name, their values unread.

    The library checks the header: lengths, types, and that the tensors follow each other
    without overlap or hole to the end of the file. That leaves one place for each.

    Raises:
        CheckpointError: the file is damaged, or stores a type this project does not read.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.offset_keys()
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete safetensors file: {error}. "
            "Fetch it again."
        ) from error
    unknown = sorted(set(kinds.values()) - set(DTYPES))
    if unknown:
        raise CheckpointError(
            f"{path} stores tensors as {unknown}; the types read are {sorted(DTYPES)}."
        )
    with path.open("rb") as raw:
        offset = 8 + int.from_bytes(raw.read(8), "little")
    tensors = {}
    for name in names:
        dtype = DTYPES[kinds[name]]
        tensors[name] = StoredTensor(path, offset, dtype, shapes[name])
        offset += math.prod(shapes[name]) * dtype.itemsize
    return tensors
