"""Fine-tuning as a recipe says.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
import sys
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import bundle
from keras_bert_zoo.atomic import alone
from keras_bert_zoo.data.batches import BUCKETS, BucketedBatches, EncodedTexts, encode
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.labels import label_names
from keras_bert_zoo.data.text_files import TextTable
from keras_bert_zoo.evaluation.classification import score, scores_json
from keras_bert_zoo.evaluation.prediction import checked_max_length, logits_of
from keras_bert_zoo.models.sequence_classification import LOSSES
from keras_bert_zoo.training import callbacks
from keras_bert_zoo.training.interruption import StopRequest, stop_requests
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.recipe import FinetuneRecipe
from keras_bert_zoo.training.run_directory import BUNDLE, LOGS, METRICS, RunDirectory
from keras_bert_zoo.training.schedules import WarmupDecay
from keras_bert_zoo.training.state import Progress, StateFile, read_tensors

_STATE, _BEST = "state.safetensors", "best.safetensors"
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
    """Fine-tunes a classifier and saves it as a bundle.

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
    directory = RunDirectory(pathlib.Path(recipe.output), _STATE, _OTHERS)
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
        return run.finish()


class _Run:
    """One run: its data, model and state."""

    def __init__(self, recipe: FinetuneRecipe, directory: pathlib.Path) -> None:
        self.recipe = recipe
        self.directory = directory
        examples, labels = _read_examples(recipe)
        loaded = bundle.load(
            recipe.model,
            task="sequence_classification",
            labels=labels,
            problem_type=recipe.problem_type,
            dtype=recipe.dtype,
        )
        if loaded.tokenizer is None:
            raise ValueError(f"model {recipe.model!r} has no tokenizer files: texts need them.")
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        checked_max_length(self.model, recipe.max_length)
        self.batches = BucketedBatches(
            examples.pop("train"),
            self.tokenizer,
            batch_size=recipe.batch_size,
            max_length=recipe.max_length,
            seed=recipe.seed,
            buckets=recipe.buckets or BUCKETS,
        )
        self.held_out: dict[str, tuple[EncodedTexts, Any]] = {
            name: (encode(each, self.tokenizer, recipe.max_length), each.labels)
            for name, each in examples.items()
        }
        if "validation" in self.held_out:
            self._check_monitored()
        self._compile()
        self.state = StateFile(directory / _STATE, self.model, self._identity())
        self.progress = self.state.restore() if recipe.resume else Progress()

    def _compile(self) -> None:
        steps = self.recipe.epochs * len(self.batches)
        warmup = round(self.recipe.warmup_ratio * steps)
        schedule = WarmupDecay(self.recipe.learning_rate, warmup, steps)
        optimizer = BertAdamW(
            schedule, decay=self.recipe.weight_decay, layer_decay=self.recipe.layer_decay
        )
        self.model.compile(optimizer, jit_compile=self.recipe.jit_compile)
        self.model.optimizer.build(self.model.trainable_variables)
        # Creates the variables of the metrics, which the state holds.
        logits = np.zeros((1, self.model.config.num_labels), "float32")
        self.model.compute_metrics(None, self.batches.labels[:1], {"logits": logits}, np.ones(1))
        self.model.reset_metrics()

    def _identity(self) -> dict[str, object]:
        digest = hashlib.sha256(self.batches.encoded.input_ids.tobytes())
        digest.update(self.batches.encoded.lengths.tobytes())
        digest.update(self.batches.labels.tobytes())
        return {**self.recipe.identity(), "training data (digest)": digest.hexdigest()[:16]}

    def train(self, request: StopRequest, verbose: int | None) -> None:
        """Fits the remaining epochs: first the rest of the one that was interrupted."""
        if verbose is None:
            verbose = 1 if sys.stdout.isatty() else 2
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
        if "validation" not in self.held_out:
            return []
        best = self.directory / _BEST
        monitored, patience = self.recipe.monitored, self.recipe.patience
        return [
            callbacks.Validate(lambda: self._scores("validation")),
            callbacks.KeepBest(best, self.progress, monitored, patience),
        ]

    def _check_monitored(self) -> None:
        """Refuses a name now that would be missed after the first epoch."""
        labels = self.held_out["validation"][1]
        logits = np.zeros((len(labels), self.model.config.num_labels), "float32")
        names = ["loss", *score(self.recipe.problem_type, labels, logits)]
        if self.recipe.monitored not in [f"val_{name}" for name in names]:
            raise ValueError(
                f"monitor must be val_ and one of {names}, received {self.recipe.monitored!r}."
            )

    def _scores(self, name: str) -> dict[str, float]:
        encoded, labels = self.held_out[name]
        logits = logits_of(self.model, encoded, max_length=self.recipe.max_length)
        loss = float(LOSSES[self.recipe.problem_type]()(labels, logits))
        return {"loss": loss, **score(self.recipe.problem_type, labels, logits)}

    def finish(self) -> FinetuneResult:
        """Takes the best weights, scores them, saves the bundle and drops the state."""
        best = self.directory / _BEST
        if best.is_file():
            _, arrays = read_tensors(best)
            for index, variable in enumerate(self.model.weights):
                variable.assign(arrays[str(index)])
        metrics = {name: self._scores(name) for name in self.held_out}
        saved = self.directory / BUNDLE
        bundle.save(self.model, self.tokenizer, saved, overwrite=True)
        (self.directory / METRICS).write_text(scores_json(metrics), encoding="utf-8")
        for name in (_STATE, _BEST):
            (self.directory / name).unlink(missing_ok=True)
        return FinetuneResult(saved, self.progress.history, metrics)


def _finished(directory: RunDirectory, recipe: FinetuneRecipe) -> FinetuneResult:
    """What a finished run left, if it is the run of this recipe."""
    directory.check_recipe(recipe.identity())
    history, metrics = (
        json.loads((directory.path / name).read_text(encoding="utf-8"))
        for name in ("history.json", METRICS)
    )
    return FinetuneResult(directory.path / BUNDLE, history, metrics)


def _read_examples(recipe: FinetuneRecipe) -> tuple[dict[str, Examples], tuple[str, ...]]:
    table = TextTable(
        text=recipe.text_column,
        text_pair=recipe.pair_column,
        label=recipe.label_column,
        delimiter=recipe.delimiter,
        encoding=recipe.encoding,
        empty_texts=recipe.empty_texts,
    )
    sources = {name: getattr(recipe, name) for name in ("train", "validation", "test")}
    rows = {name: table.read(source) for name, source in sources.items() if source}
    found = label_names(rows["train"].labels or [], recipe.problem_type)
    labels = tuple(recipe.labels or found)
    if recipe.problem_type == "single_label_classification" and len(labels) < 2:
        raise ValueError(f"{recipe.train} has one class only: {labels}. It takes two to choose.")
    examples = {name: each.examples(recipe.problem_type, labels) for name, each in rows.items()}
    examples["train"] = examples["train"].take(recipe.limit)
    return examples, labels
