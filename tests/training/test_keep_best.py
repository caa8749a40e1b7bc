from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo.training.callbacks import KeepBest
from keras_bert_zoo.training.state import Progress, read_tensors


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.stop_training = False
    return model


def play(model, path, monitor, values, patience=None, progress=None):
    """Epochs whose weight is their number; returns the progress and the kept weight."""
    progress = progress or Progress()
    callback = KeepBest(path, progress, monitor, patience)
    callback.set_model(model)
    for epoch, value in enumerate(values):
        model.set_weights([np.full((1, 1), float(epoch), "float32")])
        callback.on_epoch_end(epoch, {monitor: value})
        if model.stop_training:
            break
    return progress, float(read_tensors(path)[1]["0"][0, 0])


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("val_accuracy", [0.5, 0.7, 0.7, 0.6], 1),  # the first of equals
        ("val_loss", [0.9, 0.8, 0.3, 0.4], 2),
        ("val_mean_squared_error", [0.9, 0.2, 0.3, 0.4], 1),
        ("val_pearson", [float("nan"), 0.1, float("nan"), 0.0], 1),
    ],
)
def test_the_best_epoch_is_kept(model, tmp_path, monitor, values, best):
    progress, kept = play(model, tmp_path / "best.safetensors", monitor, values)
    assert progress.best_epoch == kept == best
    assert progress.best == values[best]
    assert not progress.finished


def test_patience_counts_from_the_best_epoch(model, tmp_path):
    values = [0.5, 0.4, 0.6, 0.5, 0.55, 0.9]
    progress, kept = play(model, tmp_path / "best.safetensors", "val_accuracy", values, patience=2)
    assert progress.finished and model.stop_training
    assert kept == 2


def test_a_resumed_run_knows_what_was_best(model, tmp_path):
    path = tmp_path / "best.safetensors"
    play(model, path, "val_accuracy", [0.8])
    progress, kept = play(
        model, path, "val_accuracy", [0.7], progress=Progress(best=0.8, best_epoch=0)
    )
    assert (progress.best, kept) == (0.8, 0.0)
