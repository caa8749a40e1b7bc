"""What happens between the steps of pretraining. TensorFlow-only."""

from __future__ import annotations

import dataclasses
import math
import pathlib
import time
from collections.abc import Callable, Mapping

import keras
import tensorflow as tf

from keras_bert_zoo.training.checkpoints import Checkpoints, Position
from keras_bert_zoo.training.interruption import StopRequest, TrainingInterrupted
from keras_bert_zoo.training.journal import Journal, Window

Logs = dict[str, float] | None


class DivergedError(ValueError):
    """The loss is no longer a number."""


@dataclasses.dataclass
class Counter:
    """Updates of the weights so far."""

    step: int = 0


class StopTogether(keras.callbacks.Callback):
    """Tells all workers when a signal asks this one to stop; must be the first callback.

    Args:
        request: asks to stop.
    """

    def __init__(self, request: StopRequest) -> None:
        super().__init__()
        self.request = request
        self.agreed = False

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Passes the request on, into the sums of the next step."""
        if self.request.signal is not None:
            self.model.stop.assign(1.0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Notes whether any worker asks; takes the number out of the logs."""
        if logs:
            self.agreed = logs.pop("stop") > 0


class CountAndWatch(keras.callbacks.Callback):
    """Counts the steps, and stops a run whose loss is not a number.

    Args:
        counter: of the run.
        checkpoints: of the run.
    """

    def __init__(self, counter: Counter, checkpoints: Checkpoints) -> None:
        super().__init__()
        self.counter = counter
        self.checkpoints = checkpoints

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Looks at the loss of the step.

        Raises:
            DivergedError: it is NaN or infinite; the step and the last good checkpoint are
                named, and nothing is saved.
        """
        self.counter.step += 1
        loss = (logs or {})["loss"]
        # Not the scaled one: where that overflows the optimizer leaves the step out.
        if math.isfinite(loss):
            return
        last = next((str(path) for path in self.checkpoints.files()), "none")
        raise DivergedError(
            f"The loss of step {self.counter.step} is {loss}: training diverged. The last good "
            f"checkpoint is {last}. Start anew with a smaller learning_rate, a longer warm-up or "
            "another dtype."
        )


class ShowMeans(keras.callbacks.Callback):
    """Replaces the logs of a step by the means since the last point of the curve.

    Args:
        window: keeps them.
    """

    def __init__(self, window: Window) -> None:
        super().__init__()
        self.window = window

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """The next step is traced first."""
        self.traced = False

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Takes the time."""
        self.window.start()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Adds the step."""
        if logs:
            self.window.add(logs, timed=self.traced)
            self.traced = True
            logs.clear()
            logs.update(self.window.means())


class RecordCurve(keras.callbacks.Callback):
    """Adds points to the learning curve: ``history.jsonl``, TensorBoard, a line of text.

    Args:
        journal: of the run.
        counter: of the run.
        window: emptied at each point.
        logs: directory for TensorBoard.
        log_steps: updates between two points.
        eval_steps: updates between two validations, which make points too.
        last_step: of the run, after which a point is due in any case.
        learning_rate: of a step.
        evaluate: the scores on held-out text; ``None`` where there is none.
        echo: whether each point is printed.
    """

    def __init__(
        self,
        journal: Journal,
        counter: Counter,
        window: Window,
        *,
        logs: pathlib.Path,
        log_steps: int,
        eval_steps: int,
        last_step: int,
        learning_rate: Callable[[int], float],
        evaluate: Callable[[], dict[str, float]] | None,
        echo: bool,
    ) -> None:
        super().__init__()
        self.journal = journal
        self.counter = counter
        self.window = window
        self.writer = tf.summary.create_file_writer(str(logs))
        self.log_steps = log_steps
        self.eval_steps = eval_steps
        self.last_step = last_step
        self.learning_rate = learning_rate
        self.evaluate = evaluate
        self.echo = echo

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Adds a point where one is due."""
        step = self.counter.step
        last = step == self.last_step
        validates = self.evaluate is not None and (last or step % self.eval_steps == 0)
        if not (validates or last or step % self.log_steps == 0):
            return
        point = {"step": step, **self.window.means(), "learning_rate": self.learning_rate(step)}
        if validates and self.evaluate is not None:
            point |= {f"val_{name}": value for name, value in self.evaluate().items()}
        self.window.clear()
        self.journal.add(point)
        self._publish(point)

    def _publish(self, point: Mapping[str, float]) -> None:
        with self.writer.as_default(step=int(point["step"])):
            for name, value in point.items():
                if name != "step":
                    tf.summary.scalar(name, value)
        self.writer.flush()
        if self.echo:
            values = " - ".join(f"{k}: {v:.4g}" for k, v in point.items() if k != "step")
            print(f"step {point['step']}/{self.last_step} - {values}", flush=True)


class SaveCheckpoints(keras.callbacks.Callback):
    """Saves every so many steps or minutes, and before the run stops on a signal.

    Args:
        checkpoints: of the run; ``None`` on workers that do not write.
        counter: of the run.
        stop: knows whether all workers are to stop.
        position: where the data of a step are, see ``PretrainingBatches.position``.
        steps: updates between two checkpoints.
        minutes: after which one is due in any case.
        last_step: of the run, after which none is needed.
    """

    def __init__(
        self,
        checkpoints: Checkpoints | None,
        counter: Counter,
        stop: StopTogether,
        *,
        position: Callable[[int], dict[str, int] | None],
        steps: int,
        minutes: float | None,
        last_step: int,
    ) -> None:
        super().__init__()
        self.checkpoints = checkpoints
        self.counter = counter
        self.stop = stop
        self.position = position
        self.steps = steps
        self.seconds = math.inf if minutes is None else 60 * minutes
        self.last_step = last_step
        self.saved_at = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Saves where it is due.

        Raises:
            TrainingInterrupted: a worker was asked to stop; the state is saved.
        """
        step = self.counter.step
        overdue = time.monotonic() - self.saved_at >= self.seconds
        if step == self.last_step or not (self.stop.agreed or overdue or step % self.steps == 0):
            return
        if self.checkpoints is not None:
            self.checkpoints.save(Position(step, self.position(step)))
            self.saved_at = time.monotonic()
        if self.stop.agreed:
            raise TrainingInterrupted(f"stopped after {step} steps; go on with resume")
