"""Pretraining as a recipe says. TensorFlow-only."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo import bundle
from keras_bert_zoo.atomic import alone
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.corpus.shards import MANIFEST, TOKENIZER, Shards
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.evaluation.classification import scores_json
from keras_bert_zoo.tokenizers import load_tokenizer
from keras_bert_zoo.training import distribution, objectives
from keras_bert_zoo.training import pretrain_callbacks as callbacks
from keras_bert_zoo.training.checkpoints import Checkpoints, Position
from keras_bert_zoo.training.flops import flops_per_token, peak_flops
from keras_bert_zoo.training.interruption import StopRequest, stop_requests
from keras_bert_zoo.training.journal import Journal, Window, read_points, with_perplexity
from keras_bert_zoo.training.lamb import Lamb
from keras_bert_zoo.training.optimizers import BertAdamW, MomentOptimizer
from keras_bert_zoo.training.pretrain_recipe import Phase, PretrainRecipe
from keras_bert_zoo.training.pretrainer import Pretrainer, means
from keras_bert_zoo.training.run_directory import BUNDLE, LOGS, METRICS, RunDirectory
from keras_bert_zoo.training.schedules import Phases, WarmupDecay

_CHECKPOINTS, _HISTORY, _CURVE = "checkpoints", "history.jsonl", "curve.png"
_OPTIMIZERS: dict[str, type[MomentOptimizer]] = {"bert_adamw": BertAdamW, "lamb": Lamb}


@dataclasses.dataclass(frozen=True)
class PretrainResult:
    """What a run leaves.

    Args:
        bundle: directory that ``keras_bert_zoo.load`` and ``transformers`` read.
        history: the points of the learning curve.
        metrics: losses and accuracies on held-out text, where there is some.
    """

    bundle: pathlib.Path
    history: list[dict[str, Any]]
    metrics: dict[str, dict[str, float]]


def pretrain(recipe: PretrainRecipe, *, verbose: int | None = None) -> PretrainResult:
    """Pretrains an encoder or a decoder and saves it, with its heads, as a bundle.

    A run that is killed, by whatever signal, and resumed ends with the weights it would have
    had: on CPU to the bit. SIGINT and SIGTERM save first, on whichever worker they arrive.

    Args:
        recipe: the run.
        verbose: 0 is silent, 1 shows a progress bar, 2 prints a line for each point of the
            curve; by default 1 on a terminal and 2 elsewhere.

    Raises:
        FileExistsError: the output directory is in use and neither ``resume`` nor
            ``overwrite`` is set, or another run writes into it at this moment.
        FileNotFoundError: shards, the checkpoint, or a state to resume are missing.
        ShardError: the shards are damaged, or of another vocabulary than the model.
        ValueError: the recipe does not fit the data, the devices or the saved state.
        DivergedError: the loss is not a number any more.
        ConnectionError: another worker is gone.
        TrainingInterrupted: a signal stopped the run; its state is saved.
    """
    with _lost_workers():
        return _pretrain(recipe, verbose)


def _pretrain(recipe: PretrainRecipe, verbose: int | None) -> PretrainResult:
    # First of all: afterwards TensorFlow takes no other devices.
    strategy = distribution.strategy_for(recipe.devices)
    directory = RunDirectory(pathlib.Path(recipe.output), _CHECKPOINTS, (_HISTORY, _CURVE))
    if recipe.resume and directory.finished:
        directory.check_recipe(recipe.identity())
        return _result(directory.path)
    with _prepared(directory, recipe):
        keras.utils.set_random_seed(recipe.seed)
        run = _Run(recipe, directory, strategy)
        with stop_requests() as request:
            run.train(request, verbose)
            return run.finish()


@contextlib.contextmanager
def _prepared(directory: RunDirectory, recipe: PretrainRecipe) -> Iterator[None]:
    """The output directory, checked and held by the first worker; the others only read."""
    if not distribution.is_chief():
        yield
        return
    directory.check(resume=recipe.resume, overwrite=recipe.overwrite)
    with alone(directory.path):
        yield


@contextlib.contextmanager
def _lost_workers() -> Iterator[None]:
    """Says what a failed exchange with another worker means."""
    try:
        yield
    except tf.errors.OpError as error:
        if distribution.workers() == 1:
            raise
        raise ConnectionError(
            "Another worker is gone: the exchange of gradients failed. The last checkpoint is as "
            "it was; start all workers again with resume. TensorFlow says: "
            f"{error.message.splitlines()[0]}"
        ) from error


class _Run:
    """One run: its data, model and state."""

    def __init__(
        self, recipe: PretrainRecipe, directory: RunDirectory, strategy: tf.distribute.Strategy
    ) -> None:
        self.recipe, self.directory, self.strategy = recipe, directory.path, strategy
        self.shards = Shards(recipe.shards)
        self.tokenizer = load_tokenizer(self.shards.directory / TOKENIZER)
        self.shards.check_vocabulary(self.tokenizer.words)
        self.held_out = self._held_out()
        with strategy.scope():
            self.pretrainer = Pretrainer(objectives.make(recipe, self.tokenizer, self.shards))
            self.pretrainer.compile(self._optimizer(), jit_compile=recipe.jit_compile)
        self.config: EncoderConfig = self.pretrainer.model.config
        for phase in recipe.phases:
            self._check_phase(phase)
        self.checkpoints = Checkpoints(
            self.directory / _CHECKPOINTS,
            self.pretrainer,
            self._identity(),
            keep=recipe.keep_checkpoints,
        )
        self.start = self.checkpoints.restore() if recipe.resume else Position()
        self.counter = callbacks.Counter(self.start.step)
        self.chief = distribution.is_chief()
        if self.chief and not recipe.resume:
            directory.clear(recipe.identity())
            # Made now: a run that is killed before its first checkpoint can be told from none.
            self.checkpoints.save(self.start)

    # === What the run is made of ===

    def _held_out(self) -> Shards | None:
        inside = self.shards.directory / "held_out"
        if self.recipe.held_out is None and not (inside / MANIFEST).is_file():
            return None
        held_out = Shards(self.recipe.held_out or inside)
        if held_out.directory.resolve() == self.shards.directory.resolve():
            raise ValueError(
                f"held_out {str(held_out.directory)!r} is the directory of the training shards: "
                "its scores would not be those of unseen text."
            )
        held_out.check_vocabulary(self.tokenizer.words)
        return held_out

    @functools.cached_property
    def schedule(self) -> keras.optimizers.schedules.LearningRateSchedule:
        """The learning rate over all phases."""
        recipe = self.recipe
        shape: dict[str, Any] = {"power": recipe.rate_power, "end": recipe.rate_end}
        if not recipe.rates_by_phase:
            return WarmupDecay(recipe.learning_rate, recipe.warmup_steps, recipe.steps, **shape)
        rates = [(p.learning_rate or 0.0, p.warmup_steps or 0, p.steps) for p in recipe.phases]
        return Phases([WarmupDecay(*numbers, **shape) for numbers in rates])

    def _optimizer(self) -> keras.optimizers.Optimizer:
        recipe = self.recipe
        averaging: dict[str, Any] = {}
        if recipe.ema is not None:
            averaging = {"use_ema": True, "ema_momentum": recipe.ema}
        return _OPTIMIZERS[recipe.optimizer](
            self.schedule,
            decay=recipe.weight_decay,
            beta_2=recipe.beta_2,
            clip=recipe.clip,
            **averaging,
        )

    def _check_phase(self, phase: Phase) -> None:
        limit = self.config.max_tokens
        if phase.max_length > limit:
            raise ValueError(
                f"phases: max_length {phase.max_length} is more than the model's {limit} positions "
                "(max_position_embeddings)."
            )
        parts = self.strategy.num_replicas_in_sync * phase.accumulation
        if phase.batch_size % parts:
            raise ValueError(
                f"phases: batch_size {phase.batch_size} must be a multiple of {parts}: "
                f"{self.strategy.num_replicas_in_sync} devices, times accumulation "
                f"{phase.accumulation}."
            )

    def _identity(self) -> dict[str, object]:
        manifest = (self.shards.directory / MANIFEST).read_bytes()
        digest = hashlib.sha256(manifest).hexdigest()[:16]
        return {**self.recipe.identity(), "shards (digest)": digest}

    # === Training ===

    def train(self, request: StopRequest, verbose: int | None) -> None:
        """Fits what is left of each phase."""
        if verbose is None:
            verbose = 1 if sys.stdout.isatty() else 2
        if not self.chief:
            verbose = 0
        first = 0
        for index, phase in enumerate(self.recipe.phases):
            if self.counter.step < first + phase.steps:
                self._fit(index, phase, first, request, verbose)
            first += phase.steps

    def _fit(
        self, index: int, phase: Phase, first: int, request: StopRequest, verbose: int
    ) -> None:
        done = self.counter.step - first
        batches = self._batches(self.shards, phase, seed=self.recipe.seed + index)
        position = self.start.data if self.counter.step == self.start.step and done else None
        dataset = self._distributed(batches, phase, done, position)
        if self.pretrainer.accumulation != phase.accumulation:
            self.pretrainer.accumulation = phase.accumulation
            self.pretrainer.make_train_function(force=True)
        self.pretrainer.fit(
            dataset,
            steps_per_epoch=phase.steps - done,
            callbacks=self._callbacks(batches, phase, first, request, verbose),
            shuffle=False,  # the dataset shuffles
            verbose=int(verbose == 1),
        )

    def _batches(self, shards: Shards, phase: Phase, seed: int) -> PretrainingBatches:
        options = self.recipe.batch_options(phase)
        return PretrainingBatches(shards, options, batch_size=phase.batch_size, seed=seed)

    def _distributed(
        self, batches: PretrainingBatches, phase: Phase, done: int, position: Any
    ) -> Any:
        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return batches.dataset(done, position)
        return self.strategy.distribute_datasets_from_function(
            lambda context: batches.dataset(
                done, position, context.input_pipeline_id, context.num_input_pipelines
            ).rebatch(phase.batch_size // replicas, drop_remainder=True)
        )

    def _callbacks(
        self,
        batches: PretrainingBatches,
        phase: Phase,
        first: int,
        request: StopRequest,
        verbose: int,
    ) -> list[keras.callbacks.Callback]:
        recipe, counter = self.recipe, self.counter
        # The order matters: what asks to stop, the step, its means, the curve, then the save.
        stop = callbacks.StopTogether(request)
        window = self._window(phase)
        save = callbacks.SaveCheckpoints(
            self.checkpoints if self.chief else None,
            counter,
            stop,
            position=lambda step: batches.position(step - first) if step > first else None,
            steps=recipe.save_steps,
            minutes=recipe.save_minutes,
            last_step=recipe.steps,
        )
        watch = callbacks.CountAndWatch(counter, self.checkpoints)
        curve = [self._curve(phase, window, verbose)] if self.chief else []
        return [stop, watch, callbacks.ShowMeans(window), *curve, save]

    def _window(self, phase: Phase) -> Window:
        options = self.recipe.batch_options(phase)
        flops = flops_per_token(self.config, phase.max_length, options.predictions)
        peak = peak_flops(distribution.gpu_name() or "")
        replicas = self.strategy.num_replicas_in_sync
        return Window(flops, None if peak is None else peak * replicas)

    def _curve(self, phase: Phase, window: Window, verbose: int) -> callbacks.RecordCurve:
        recipe = self.recipe
        return callbacks.RecordCurve(
            Journal(self.directory / _HISTORY, self.counter.step),
            self.counter,
            window,
            logs=self.directory / LOGS,
            log_steps=recipe.log_steps,
            eval_steps=recipe.eval_steps,
            last_step=recipe.steps,
            learning_rate=lambda step: float(self.schedule(step)),
            evaluate=None if self.held_out is None else lambda: self.evaluate(phase),
            echo=verbose == 2,
        )

    def evaluate(self, phase: Phase) -> dict[str, float]:
        """Losses and accuracies on held-out text: the same rows and masks each time."""
        assert self.held_out is not None
        batches = self._batches(self.held_out, phase, seed=0)
        fixed = batches.fixed(phase.batch_size // phase.accumulation, self.recipe.eval_rows)
        parts = [self._summed(batch) for batch in fixed]
        sums, totals = tf.nest.map_structure(lambda *each: sum(each), *parts)
        return with_perplexity({k: float(v) for k, v in means(sums, totals).items()})

    @functools.cached_property
    def _summed(self) -> Any:
        return tf.function(self.pretrainer.sums, autograph=False, reduce_retracing=True)

    # === The end ===

    def finish(self) -> PretrainResult:
        """Takes the averaged weights if there are, scores, saves and drops the checkpoints."""
        if not self.chief:
            return PretrainResult(self.directory / BUNDLE, [], {})
        self.pretrainer.take_averages()
        phase = self.recipe.phases[-1]
        metrics = {} if self.held_out is None else {"held_out": self.evaluate(phase)}
        kept = objectives.kept(self.pretrainer.model)
        bundle.save(kept, self.tokenizer, self.directory / BUNDLE, overwrite=True)
        self._draw(read_points(self.directory / _HISTORY))
        (self.directory / METRICS).write_text(scores_json(metrics), encoding="utf-8")
        shutil.rmtree(self.checkpoints.directory)
        return _result(self.directory)

    def _draw(self, points: list[dict[str, Any]]) -> None:
        try:
            from keras_bert_zoo.evaluation.pretraining_pictures import draw_curve
        except ImportError:  # matplotlib comes with an extra
            return
        draw_curve(points, self.directory / _CURVE)


def _result(directory: pathlib.Path) -> PretrainResult:
    """What a finished run left."""
    metrics = json.loads((directory / METRICS).read_text(encoding="utf-8"))
    return PretrainResult(directory / BUNDLE, read_points(directory / _HISTORY), metrics)
