"""Fine-tuning as a recipe says.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import bundle
from keras_bert_zoo.atomic import alone
from keras_bert_zoo.data.batches import BUCKETS, BUCKETS_OF_XLA, BucketedBatches
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.spelling import spelling_hint
from keras_bert_zoo.evaluation.classification import scores_json
from keras_bert_zoo.evaluation.prediction import (
    MeanLoss,
    Runner,
    checked_max_length,
    outputs_of,
    silent_runner,
)
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import REMEMBERED, Settings, Task
from keras_bert_zoo.training import callbacks
from keras_bert_zoo.training.folds import fold_of
from keras_bert_zoo.training.gradient_cache import in_parts
from keras_bert_zoo.training.interruption import StopRequest, stop_requests
from keras_bert_zoo.training.new_models import new_transformer
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.recipe import LINEAR, FinetuneRecipe
from keras_bert_zoo.training.run_directory import BUNDLE, LOGS, METRICS, RunDirectory
from keras_bert_zoo.training.schedules import InverseSquareRoot, WarmupDecay
from keras_bert_zoo.training.state import Progress, StateFile, read_tensors
from keras_bert_zoo.training.trained_parts import choose_trained, trained_counts

STATE, _BEST = "state.safetensors", "best.safetensors"
_OTHERS = (_BEST, "history.json", "history.csv")


@dataclasses.dataclass(frozen=True)
class FinetuneResult:
    """What a run leaves.

    Args:
        bundle: directory that ``keras_bert_zoo.load`` and ``transformers`` read.
        history: the logs of each epoch.
        metrics: scores of the kept weights, for ``"validation"`` and ``"test"`` where the
            recipe names them.
    """

    bundle: pathlib.Path
    history: list[dict[str, float]]
    metrics: dict[str, dict[str, float]]


def finetune(recipe: FinetuneRecipe, *, verbose: int | None = None) -> FinetuneResult:
    """Fine-tunes a model for a task and saves it as a bundle.

    Seeds make a run repeatable to the bit on one CPU. SIGINT and SIGTERM save the state and
    stop; with ``resume`` the run then ends with the weights it would have had.

    Args:
        recipe: the run.
        verbose: of the progress bar, as in ``keras.Model.fit``; by default a bar on a
            terminal, and a line for each epoch elsewhere.

    Raises:
        FileExistsError: the output directory is in use and neither ``resume`` nor
            ``overwrite`` is set, or another run writes into it at this moment.
        FileNotFoundError: data, the checkpoint, or a state to resume is missing.
        ValueError: the data do not fit the recipe, see ``data.text_files``.
        TrainingInterrupted: a signal stopped the run; its state is saved.
    """
    directory = RunDirectory(pathlib.Path(recipe.output), STATE, _OTHERS)
    if recipe.resume and directory.finished:
        return _finished(directory, recipe)
    directory.check(resume=recipe.resume, overwrite=recipe.overwrite)
    with alone(directory.path):
        keras.utils.set_random_seed(recipe.seed)
        run = _Run(recipe, directory.path)
        if not recipe.resume:
            directory.clear(recipe.identity())
        with stop_requests() as request:
            run.train(request, verbose)
        return run.finish(quiet=verbose == 0)


class _Run:
    """One run: its data, model and state."""

    def __init__(self, recipe: FinetuneRecipe, directory: pathlib.Path) -> None:
        self.recipe = recipe
        self.directory = directory
        self.task = task_of(recipe)
        sources = {name: getattr(recipe, name) for name in ("train", "validation", "test")}
        self.examples = {name: self.task.read(source) for name, source in sources.items() if source}
        labels = tuple(recipe.labels or self.task.label_names(self.examples["train"]) or ())
        self.examples["train"] = self.examples["train"][: recipe.limit]
        self.task = self.task.learning_from(self.examples["train"])
        if recipe.fold:
            self.examples |= fold_of(self.task, self.examples["train"], recipe.fold, recipe.seed)
        loaded = self._begun(labels)
        if loaded.tokenizer is None:
            raise ValueError(f"model {recipe.model!r} has no tokenizer files: texts need them.")
        choose_trained(loaded.model.encoder, recipe)
        self.tokenizer, self.labels = loaded.tokenizer, labels
        checked_max_length(loaded.config, loaded.tokenizer, recipe.max_length)
        self.task.recall(loaded.config)
        self.rows: dict[str, Rows] = {
            name: self.task.rows(each, self.tokenizer, labels)
            for name, each in self.examples.items()
        }
        learned = self.rows.pop("train")
        self.model = in_parts(self.task.prepared(loaded.model, learned))
        self.batches = BucketedBatches(
            learned,
            batch_size=recipe.batch_size,
            max_length=self.task.longest,
            seed=recipe.seed,
            buckets=recipe.buckets or (BUCKETS_OF_XLA if recipe.jit_compile else BUCKETS),
        )
        if "validation" in self.rows:
            self._check_monitored()
        self._compile()
        self.state = StateFile(directory / STATE, self.model, self._identity())
        self.progress = self.state.restore() if recipe.resume else Progress()

    def _begun(self, labels: tuple[str, ...]) -> bundle.Bundle:
        """What the recipe starts from."""
        recipe = self.recipe
        if recipe.new_model is not None:
            return new_transformer(recipe.new_model, str(recipe.tokenizer), dtype=recipe.dtype)
        return bundle.load(
            str(recipe.model),
            task=recipe.task,
            labels=labels or None,
            problem_type=self.task.problem_type,
            dtype=recipe.dtype,
            tie_encoder_decoder=bool(recipe.tie_encoder_decoder),
            new_decoder=recipe.new_decoder,
        )

    def _compile(self) -> None:
        rate, other_rates = rates_of(self.recipe, self.recipe.epochs * len(self.batches))
        optimizer = BertAdamW(
            rate,
            other_rates=other_rates,
            correct_bias=self.recipe.correct_bias,
            decay=self.recipe.weight_decay,
            layer_decay=self.recipe.layer_decay,
        )
        self.model.compile(optimizer, jit_compile=self.recipe.jit_compile)
        self.model.optimizer.build(self.model.trainable_variables)
        # Creates the variables of the metrics, which the state holds.
        labels, weights = self.batches.rows.targets(np.zeros(1, int), width=1)
        blank = silent_runner(self.model)(self.batches.rows.inputs(np.zeros(1, int), width=1))
        self.model.compute_metrics(None, labels, blank, weights)
        self.model.reset_metrics()

    def _identity(self) -> dict[str, object]:
        rows = self.batches.rows
        encoded, labels = rows.encoded, (*rows.labels.values(), *rows.token_labels.values())
        digest = hashlib.sha256()
        for array in (encoded.input_ids, encoded.lengths, *labels):
            digest.update(array.tobytes())
        return {**self.recipe.identity(), "training data (digest)": digest.hexdigest()[:16]}

    def train(self, request: StopRequest, verbose: int | None) -> None:
        """Fits the remaining epochs: first the rest of the one that was interrupted."""
        if verbose is None:
            verbose = 1 if sys.stdout.isatty() else 2
        if verbose:
            print(trained_counts(self.model), flush=True)
        while not self.progress.finished:
            first, step = self.progress.epoch, self.progress.step
            self.model.fit(
                self.batches.dataset(first, step),
                initial_epoch=first,
                epochs=first + 1 if step else self.recipe.epochs,
                callbacks=self._callbacks(request),
                shuffle=False,  # the dataset shuffles
                verbose=verbose,
            )

    def _callbacks(self, request: StopRequest) -> list[keras.callbacks.Callback]:
        # The order matters: scores, what they decide, the record of it, then the save.
        save = callbacks.SaveState(
            self.state,
            self.progress,
            steps=self.recipe.save_steps,
            epochs=self.recipe.epochs,
            request=request,
            metrics=self.state.metric_values() if self.progress.step else None,
        )
        record = callbacks.RecordHistory(self.directory, self.progress)
        tokens = callbacks.TokensPerSecond(self.batches, self.progress.step)
        curves = callbacks.tensorboard(self.directory / LOGS)
        return [tokens, *self._validation(), record, save, curves]

    def _validation(self) -> list[keras.callbacks.Callback]:
        if "validation" not in self.rows:
            return []
        best = self.directory / _BEST
        monitored, patience = self._monitored, self.recipe.patience
        return [
            callbacks.Validate(lambda: self._scores("validation")),
            callbacks.KeepBest(best, self.progress, monitored, patience),
        ]

    def _check_monitored(self) -> None:
        """Refuses a name now that would be missed after the first epoch."""
        name = "validation"
        silent = self._outputs(name, self.task.silent(self.model))
        scores = self.task.score(self.examples[name], self.rows[name], silent, self.labels)
        names = [f"val_{name}" for name in ("loss", *scores)]
        if self._monitored not in names:
            hint = spelling_hint([self._monitored], names)
            raise ValueError(f"monitor must be one of {names}, received {self._monitored!r}.{hint}")

    @property
    def _monitored(self) -> str:
        return self.recipe.monitor or f"val_{self.task.monitored(self.labels)}"

    def _scores(self, name: str, *, tune: bool = False, quiet: bool = True) -> dict[str, float]:
        """Scores of the model as it stands; ``tune`` lets its answers decide options first."""
        examples, rows = self.examples[name], self.rows[name]
        loss = MeanLoss(self.model, rows)
        outputs = self._outputs(name, self.task.runner(self.model, learning=True), loss)
        if tune:
            before = self.task.settings.options
            self.task = self.task.tuned(examples, rows, outputs, self.labels)
            _tell_tuned(before, self.task.settings.options, quiet)
        return {"loss": loss.value, **self.task.score(examples, rows, outputs, self.labels)}

    def _outputs(
        self, name: str, run: Runner, observe: MeanLoss | None = None
    ) -> dict[str, np.ndarray]:
        return outputs_of(
            run,
            self.rows[name],
            max_length=self.task.longest,
            sequences=self.task.sequences,
            batch_size=self.task.rows_at_once,
            observe=observe,
        )

    def finish(self, *, quiet: bool) -> FinetuneResult:
        """Takes the best weights, scores them, saves the bundle and drops the state."""
        best = self.directory / _BEST
        if best.is_file():
            _, arrays = read_tensors(best)
            for index, variable in enumerate(self.model.weights):
                variable.assign(arrays[str(index)])
        # Validation first: what it decides counts for the test, too.
        metrics: dict[str, dict[str, float]] = {
            name: self._scores(name, tune=name == "validation", quiet=quiet)
            for name in ("validation", "test")
            if name in self.rows
        }
        saved = self.directory / BUNDLE
        bundle.save(self._kept(), self.tokenizer, saved, overwrite=True)
        (self.directory / METRICS).write_text(scores_json(metrics), encoding="utf-8")
        for name in (STATE, _BEST):
            (self.directory / name).unlink(missing_ok=True)
        return FinetuneResult(saved, self.progress.history, metrics)

    def _kept(self) -> keras.Model:
        """What is saved, with how it is to be asked."""
        model, recipe = self.task.kept(self.model), self.recipe
        options = dict(self.task.settings.options)
        asked = {"max_length": recipe.max_length, "options": options}
        if self.task.remembers_pairs and recipe.pair_column:
            asked["pairs"] = True
        for part in (model, model.encoder):
            extra = {**part.config.extra, REMEMBERED: {recipe.task: asked}}
            part.config = part.config.replace(extra=extra)
        return model


def _tell_tuned(before: Mapping[str, Any], after: Mapping[str, Any], quiet: bool) -> None:
    """Says which options validation has decided."""
    chosen = {name: value for name, value in after.items() if name not in before}
    if chosen and not quiet:
        print(f"options chosen by validation, which the bundle remembers: {chosen}", flush=True)


def rates_of(recipe: FinetuneRecipe, steps: int) -> tuple[Any, dict[str, Any]]:
    """The learning rate of a run, and those of other variables by their paths."""
    rate, warmup = recipe.learning_rate, recipe.warmup_steps
    if recipe.schedule == LINEAR:
        risen = round(recipe.warmup_ratio * steps) if warmup is None else min(warmup, steps)
        return WarmupDecay(rate, risen, steps), {}
    assert warmup is not None  # the recipe is checked
    own = recipe.decoder_learning_rate
    slower = recipe.decoder_warmup_steps or warmup
    others = {} if own is None else {"^decoder/": InverseSquareRoot(own, slower)}
    return InverseSquareRoot(rate, warmup), others


def _finished(directory: RunDirectory, recipe: FinetuneRecipe) -> FinetuneResult:
    """What a finished run left, if it is the run of this recipe."""
    directory.check_recipe(recipe.identity())
    history, metrics = (
        json.loads((directory.path / name).read_text(encoding="utf-8"))
        for name in ("history.json", METRICS)
    )
    return FinetuneResult(directory.path / BUNDLE, history, metrics)


def task_of(recipe: FinetuneRecipe) -> Task[Any]:
    """What a recipe trains for: reads its files."""
    names = [field.name for field in dataclasses.fields(Settings)]
    return task_named(recipe.task)(Settings(**{name: getattr(recipe, name) for name in names}))
