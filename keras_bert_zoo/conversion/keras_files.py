"""``.keras`` files, over a folder on the disk.

Keras keeps the weights in memory once or twice more while it writes or reads the zip archive that
such a file is (``keras.saving``, the ``zipped`` option); as a folder it does not.
"""

from __future__ import annotations

import pathlib
import tempfile
import zipfile
from typing import Any

import keras

from keras_bert_zoo.checkpoints.memory import (
    Starting,
    array_of,
    as_tensors,
    copied,
    tensor_of,
    trim,
)
from keras_bert_zoo.checkpoints.tensors import CheckpointError

# What Keras writes of models whose layers keep nothing but weights.
_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
# Keras does not compress. A member that grows by more is none of its own.
_GROWTH = 100


def write_keras(model: keras.Model, file: pathlib.Path) -> None:
    """Writes what ``model.save`` does; of layers that keep more files than weights, not these.

    Raises:
        OSError: the file cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        with as_tensors(model):
            model.save(folder, zipped=False)
        with zipfile.ZipFile(file, "w") as archive:
            for path in sorted(pathlib.Path(folder).iterdir()):
                if path.is_file():
                    archive.write(path, path.name)


def read_keras(file: pathlib.Path) -> keras.Model:
    """Makes the model of a file, uncompiled; the dtype is the one in it.

    Raises:
        CheckpointError: the file is damaged, or holds what Keras refuses to load, as lambdas, or
            what it does not write.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(file) as archive:
                _check(file, archive.infolist())
                archive.extractall(folder)
        except zipfile.BadZipFile as error:
            raise CheckpointError(f"{file} is damaged: {error}. Write it again.") from error
        try:
            with Starting(_kept):
                return keras.saving.load_model(folder, compile=False)
        except Exception as error:  # of every kind, by what is wrong
            raise CheckpointError(f"Keras does not load {file}: {error}") from error


def _kept(value: Any) -> Any:
    """A tensor in memory of its own: that of TensorFlow is given back late or never."""
    trim()
    return tensor_of(copied(array_of(value)), value.dtype)


def _check(file: pathlib.Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuses archives that Keras did not write, before anything is unpacked."""
    for member in members:
        if member.filename not in _MEMBERS:
            raise CheckpointError(
                f"{file} holds {member.filename!r}, which is refused: of {list(_MEMBERS)} such a "
                "file is made."
            )
        if member.file_size > _GROWTH * member.compress_size:
            raise CheckpointError(
                f"{file}: {member.filename} has {member.compress_size:,} bytes and would become "
                f"{member.file_size:,}, which is refused."
            )
