from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.state import Progress, StateFile, save_tensors


def make_model():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train(model, steps):
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    return [float(model.train_on_batch(x, y)) for _ in range(steps)]


def test_a_restored_model_trains_on_as_if_it_had_not_stopped(tmp_path):
    model = make_model()
    train(model, 3)
    progress = Progress(epoch=1, step=3, best=0.25, best_epoch=0, history=[{"loss": 0.5}])
    StateFile(tmp_path / "s.safetensors", model, {"seed": 1}).save(progress)
    wanted = train(model, 4)

    other = make_model()
    assert StateFile(tmp_path / "s.safetensors", other, {"seed": 1}).restore() == progress
    assert train(other, 4) == wanted
    for ours, theirs in zip(other.variables, model.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_a_save_that_fails_leaves_the_older_file(tmp_path):
    path = tmp_path / "s.safetensors"
    save_tensors(path, {"a": np.zeros(2)})
    before = path.read_bytes()
    (tmp_path / ".s.safetensors.tmp").mkdir()  # stands where the new file would be written
    with pytest.raises(OSError):
        save_tensors(path, {"a": np.ones(2)})
    assert path.read_bytes() == before
