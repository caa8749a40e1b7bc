"""Arrays of HDF5 files, and files that are none."""

from __future__ import annotations

import pathlib

import h5py
import ml_dtypes
import numpy as np
import pytest

from keras_bert_zoo.checkpoints.hdf5_files import open_hdf5
from keras_bert_zoo.checkpoints.tensors import CheckpointError

GRID = np.arange(24, dtype="f4").reshape(4, 6) / 8 - 1


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "x.weights.h5"


def test_values_types_and_shapes(path: pathlib.Path) -> None:
    arrays = {
        "layers/dense/vars/0": GRID,
        "layers/dense/vars/1": GRID[0].astype("f2"),
        "layers/other/vars/0": GRID.astype(">f8"),
        "optimizer/vars/0": np.array(3, "i8"),
    }
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        # As Keras does it.
        half = file.create_dataset("half", data=GRID.astype(ml_dtypes.bfloat16))
        half.attrs["dtype"] = "bfloat16"
    tensors = open_hdf5(path)
    assert tensors["half"].dtype == ml_dtypes.bfloat16
    for name, values in {**arrays, "half": GRID}.items():
        stored = tensors.pop(name)
        assert stored.shape == values.shape
        np.testing.assert_array_equal(stored.read(), values)
    assert not tensors


def test_links_are_not_followed(path: pathlib.Path) -> None:
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["values"] = GRID
    with h5py.File(path, "w") as file:
        file["values"] = GRID
        file["soft"] = h5py.SoftLink("/values")
        file["away"] = h5py.ExternalLink("other.h5", "values")
    assert set(open_hdf5(path)) == {"values"}


@pytest.mark.parametrize(
    "options", [{"compression": "gzip"}, {"chunks": (2, 6)}, {"dtype": [("a", "f4")]}]
)
def test_arrays_in_pieces(options: dict[str, object], path: pathlib.Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("grid", (4, 6), **{"dtype": "f4", **options})[...] = 1
    with pytest.raises(CheckpointError, match="stores grid in chunks, compressed or as records"):
        open_hdf5(path)


@pytest.mark.parametrize("kept", [0, 7, 100, 1000, -100])
def test_damaged_files(kept: int, path: pathlib.Path) -> None:
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = GRID
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="not a complete HDF5 file"):
        open_hdf5(path)
