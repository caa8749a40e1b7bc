"""The ``.safetensors`` format (https://github.com/huggingface/safetensors#format)."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors

from keras_bert_zoo.checkpoints.tensors import (
    BEGINNING,
    DTYPES,
    LONGEST_DESCRIPTION,
    CheckpointError,
    StoredTensor,
    Tensor,
    nbytes,
    refuse_pages,
)

_ALIGNMENT = 8


def open_safetensors(path: pathlib.Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a file by name, their values unread.

    The library checks the header: its JSON, types, and that the tensors follow each other
    without overlap or hole to the end of the file. That leaves one place for each.

    Raises:
        CheckpointError: the file is damaged, names a tensor twice, or stores a type this
            project does not read.
    """
    try:
        header = _read_header(path)
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.offset_keys()
            kinds = {name: file.get_slice(name).get_dtype() for name in names}
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
        # Of two tensors of one name the library takes the last, other readers the first.
        json.loads(header, object_pairs_hook=_different_keys)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete safetensors file: {error}. "
            "Fetch it again."
        ) from error
    unknown = sorted(set(kinds.values()) - set(DTYPES))
    if unknown:
        raise CheckpointError(
            f"{path} stores tensors as {unknown}; the types read are {sorted(DTYPES)}."
        )
    offset, tensors = 8 + len(header), {}
    for name in names:
        dtype = DTYPES[kinds[name]]
        tensors[name] = StoredTensor(path, offset, dtype, shapes[name])
        offset += math.prod(shapes[name]) * dtype.itemsize
    return tensors


def write_safetensors(
    path: pathlib.Path,
    tensors: Mapping[str, Tensor],
    dtype: np.dtype | None = None,
    done: Callable[[int], Any] = lambda size: None,
) -> None:
    """Writes a file as PyTorch's libraries expect it; memory holds one tensor at a time.

    Args:
        path: of the file.
        tensors: by name.
        dtype: what to round them to; by default they keep their types.
        done: is told the size of each tensor that was read, in bytes.

    Raises:
        OSError: the file cannot be written.
    """
    kinds = {name: np.dtype(dtype or tensor.dtype) for name, tensor in tensors.items()}
    # The format wants every tensor where its type may lie: the widest types come first.
    names = sorted(tensors, key=lambda name: (-kinds[name].itemsize, name))
    codes = {kind: code for code, kind in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in names:
        shape = tensors[name].shape
        start, end = end, end + math.prod(shape) * kinds[name].itemsize
        header[name] = {
            "dtype": codes[kinds[name]], "shape": shape, "data_offsets": [start, end]
        }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            values = np.ascontiguousarray(tensors[name].read(), kinds[name])
            # As bytes, because bfloat16 is a type that files do not take.
            file.write(values.reshape(-1).view(np.uint8).data)
            done(nbytes(tensors[name]))


def _read_header(path: pathlib.Path) -> bytes:
    with path.open("rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        if length > LONGEST_DESCRIPTION:
            raw.seek(0)
            refuse_pages(raw.read(BEGINNING))
            raise ValueError(
                f"its header should have {length:,} bytes; at most {LONGEST_DESCRIPTION:,} are read"
            )
        return raw.read(length)


def _different_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"its header has the name {twice!r} twice")
    return dict(pairs)
