"""What happens between the steps and epochs of fine-tuning."""

from __future__ import annotations

import csv
import math
import pathlib
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.data.batches import BucketedBatches
from keras_bert_zoo.evaluation.classification import scores_json
from keras_bert_zoo.training.interruption import StopRequest, TrainingInterrupted
from keras_bert_zoo.training.state import Progress, StateFile, save_tensors

Logs = dict[str, float] | None


class TokensPerSecond(keras.callbacks.Callback):
    """Adds ``tokens_per_second`` to the progress bar and the logs; padding does not count.

    Args:
        batches: the batches of the run.
        first_step: step at which each epoch starts.
    """

    def __init__(self, batches: BucketedBatches, first_step: int = 0) -> None:
        super().__init__()
        self.batches = batches
        self.first_step = first_step

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Counts the tokens of the steps to come."""
        lengths = self.batches.rows.row_tokens
        batches = self.batches.plan(epoch)[self.first_step :]
        self.tokens = np.cumsum([lengths[batch.rows].sum() for batch in batches])
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Shows the mean since the start of the epoch."""
        self.rate = self.tokens[batch] / (time.perf_counter() - self.start)
        if logs is not None:
            logs["tokens_per_second"] = self.rate

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Logs the mean of the epoch, validation not included."""
        if logs is not None:
            logs["tokens_per_second"] = self.rate


class Validate(keras.callbacks.Callback):
    """Adds the scores of the validation set to the logs, with the prefix ``val_``.

    Args:
        scores: computes them from the model as it stands.
    """

    def __init__(self, scores: Callable[[], dict[str, float]]) -> None:
        super().__init__()
        self.scores = scores

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Scores the epoch."""
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in self.scores().items()})


def direction(monitor: str) -> str:
    """``"min"`` for losses and errors, ``"max"`` for other scores."""
    return "min" if monitor.endswith(("loss", "error")) else "max"


class KeepBest(keras.callbacks.Callback):
    """Saves the weights of the best epoch, and stops when no better one comes.

    Args:
        path: the ``.safetensors`` file of the best weights.
        progress: of the run; holds the best value, so that a resumed run knows it.
        monitor: name of the value in the logs; greater is better, but for losses and
            errors.
        patience: epochs without a better value after which training stops; ``None`` never
            stops.
    """

    def __init__(
        self, path: pathlib.Path, progress: Progress, monitor: str, patience: int | None
    ) -> None:
        super().__init__()
        self.path = path
        self.progress = progress
        self.monitor = monitor
        self.patience = patience
        self.sign = {"min": -1.0, "max": 1.0}[direction(monitor)]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the epoch with the best one."""
        value = float((logs or {})[self.monitor])
        # A constant prediction has no correlation: the worst value there is.
        value = value if math.isfinite(value) else -self.sign * math.inf
        best = self.progress.best
        if best is None or self.sign * value > self.sign * best:
            self.progress.best, self.progress.best_epoch = value, epoch
            arrays = {str(i): v.numpy() for i, v in enumerate(self.model.weights)}
            save_tensors(self.path, arrays)
        waited = epoch - (self.progress.best_epoch or 0)
        if self.patience is not None and waited >= self.patience:
            self.progress.finished = True
            self.model.stop_training = True


class RecordHistory(keras.callbacks.Callback):
    """Writes the logs of all epochs as ``history.json`` and ``history.csv``.

    Args:
        directory: of the run.
        progress: holds the epochs so far.
    """

    def __init__(self, directory: pathlib.Path, progress: Progress) -> None:
        super().__init__()
        self.directory = directory
        self.progress = progress

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Adds the epoch.

        Raises:
            ValueError: the loss is NaN or infinite; nothing of the epoch is kept.
        """
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise ValueError(
                f"The loss of epoch {epoch + 1} is not finite: training diverged. Try a smaller "
                "learning_rate or a longer warm-up."
            )
        entry = {name: float(value) for name, value in (logs or {}).items()}
        self.progress.history.append({"epoch": epoch + 1, **entry})
        history = self.progress.history
        (self.directory / "history.json").write_text(scores_json(history), encoding="utf-8")
        with (self.directory / "history.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(history[-1]))
            writer.writeheader()
            writer.writerows(history)


class SaveState(keras.callbacks.Callback):
    """Saves the state every few steps, after each epoch, and when a signal asks to stop.

    Args:
        state: the file.
        progress: where the run stands; kept up to date here.
        steps: steps between two saves inside an epoch.
        epochs: epochs of the run.
        request: asks to stop.
        metrics: values to put back after Keras has reset the metrics of the first epoch.
    """

    def __init__(
        self,
        state: StateFile,
        progress: Progress,
        *,
        steps: int,
        epochs: int,
        request: StopRequest,
        metrics: list[np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        self.state = state
        self.progress = progress
        self.steps = steps
        self.epochs = epochs
        self.request = request
        self.metrics = metrics

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Puts the averages of an epoch that goes on back."""
        if self.metrics is not None:
            self.state.set_metric_values(self.metrics)
            self.metrics = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Counts the step; saves where it is due, the last one with its epoch."""
        self.progress.step += 1
        due = self.request.signal is not None or self.progress.step % self.steps == 0
        if due and batch + 1 < self.params["steps"]:
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Moves to the next epoch and saves."""
        self.progress.epoch, self.progress.step = epoch + 1, 0
        self.progress.finished |= self.progress.epoch == self.epochs
        self._save()

    def _save(self) -> None:
        self.state.save(self.progress)
        if self.request.signal is not None and not self.progress.finished:
            raise TrainingInterrupted(
                f"stopped in epoch {self.progress.epoch + 1} after {self.progress.step} steps; "
                f"the state is in {self.state.path}; go on with resume"
            )


def tensorboard(directory: pathlib.Path) -> Any:
    """TensorBoard's curves, one point each epoch."""
    return keras.callbacks.TensorBoard(str(directory), write_graph=False)
