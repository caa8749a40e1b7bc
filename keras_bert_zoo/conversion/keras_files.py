"""``.keras`` files, over a folder on the disk.

Keras keeps the weights in memory once or twice more while it writes or reads the zip archive that
such a file is (``keras.saving``, the ``zipped`` option); as a folder it does not.
"""

from __future__ import annotations

import pathlib
import tempfile
import zipfile

import keras

from keras_bert_zoo.checkpoints.tensors import CheckpointError


def write_keras(model: keras.Model, file: pathlib.Path) -> None:
    """Writes what ``model.save`` does; of layers that keep more files than weights, not these.

    Raises:
        OSError: the file cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        model.save(folder, zipped=False)
        with zipfile.ZipFile(file, "w") as archive:
            for path in sorted(pathlib.Path(folder).iterdir()):
                if path.is_file():
                    archive.write(path, path.name)


def read_keras(file: pathlib.Path) -> keras.Model:
    """Makes the model of a file, uncompiled; the dtype is the one in it.

    Raises:
        CheckpointError: the file is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)
        except zipfile.BadZipFile as error:
            raise CheckpointError(f"{file} is damaged: {error}. Write it again.") from error
        return keras.saving.load_model(folder, compile=False)
