"""Reading HDF5 files of weights (``.weights.h5``), as Keras writes them."""

from __future__ import annotations

import pathlib

import h5py
import ml_dtypes
import numpy as np

from keras_bert_zoo.checkpoints.tensors import CheckpointError, StoredTensor


def open_hdf5(path: pathlib.Path) -> dict[str, StoredTensor]:
    """Returns the arrays of a file by path, their values unread.

    Links to other places and files are not followed.

    Raises:
        CheckpointError: the file is damaged, or an array does not lie in it in one piece.
    """
    tensors = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            tensors[name] = _stored(path, name, item)

    try:
        with h5py.File(path, "r") as file:
            file.visititems(visit)
    # The library has no exception of its own.
    except (OSError, RuntimeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete HDF5 file: {error}. "
            "Fetch it again."
        ) from error
    return tensors


def _stored(path: pathlib.Path, name: str, dataset: h5py.Dataset) -> StoredTensor:
    # HDF5 has no such type: Keras notes it beside the bytes.
    bfloat16 = dataset.attrs.get("dtype") == "bfloat16"
    offset = dataset.id.get_offset()
    if offset is None or (dataset.dtype.kind == "V" and not bfloat16):
        raise CheckpointError(
            f"{path} stores {name} in chunks, compressed or as records ({dataset.dtype}); Keras "
            "writes arrays in one piece. Load and save the weights with Keras."
        )
    dtype = np.dtype(ml_dtypes.bfloat16) if bfloat16 else dataset.dtype
    return StoredTensor(path, offset, dtype, dataset.shape)
