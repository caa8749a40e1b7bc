"""What is converted: weights and tokenizer of a checkpoint, or of a model in memory."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import bundle, zoo
from keras_bert_zoo.bundle.tokenizer_files import read_tokenizer
from keras_bert_zoo.checkpoints import sources, tables
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint, ModelWeights
from keras_bert_zoo.checkpoints.hdf5_files import open_hdf5
from keras_bert_zoo.checkpoints.heads import fullest_task, stated_class
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.sentence_transformers import encoder_folder, is_sentence_directory
from keras_bert_zoo.checkpoints.tensors import CheckpointError, LazyTensor, Tensor
from keras_bert_zoo.checkpoints.weights import untied, weights_of
from keras_bert_zoo.conversion.keras_files import read_keras
from keras_bert_zoo.tokenizers import Tokenizer

KERAS_FILE = "model.keras"


@dataclasses.dataclass(frozen=True)
class Renumbered:
    """The ids of tokens that are the same before and after.

    Args:
        new: in what is written, ``(n,)``.
        old: in the source, ``(n,)``.
    """

    new: np.ndarray
    old: np.ndarray


@dataclasses.dataclass(frozen=True)
class Content:
    """Everything that a target may take.

    Args:
        layout: of the source, for the manifest.
        weights: of the model.
        names: what its tensors are called in the source, by the names of the table.
        skipped: what else the source has, and why it is left behind.
        tokenizer: of the source, if it has one.
        load: makes the model with a dtype policy.
        load_encoder: makes the bare encoder of the source, with its pooler if it has one.
        modules: directory that says what sentence-transformers does behind the encoder, if
            there is such.
        renumbered: the tokens that stay, where the vocabulary is not that of ``load``.
        load_exact: makes the model of the source, where ``load`` makes what a target computes
            instead.
    """

    layout: str
    weights: ModelWeights
    names: Mapping[str, str]
    skipped: Mapping[str, str]
    tokenizer: Tokenizer | None
    load: Callable[[Any], keras.Model]
    load_encoder: Callable[[Any], keras.Model]
    modules: pathlib.Path | None = None
    renumbered: Renumbered | None = None
    load_exact: Callable[[Any], keras.Model] | None = None


def open_content(source: str | pathlib.Path, do_lower_case: bool | None) -> Content:
    """Opens what ``load`` takes, or files of Keras.

    These are a ``.keras`` file, a directory with ``model.keras``, or a ``.weights.h5`` file beside
    a checkpoint of the same model, whose numbers it has others for.

    Raises:
        FileNotFoundError: there is no such source, or a file of it is missing.
        ConfigError, CheckpointError, TypeError: it cannot be read, or is incomplete.
    """
    path = pathlib.Path(source)
    for file in (path, path / KERAS_FILE):
        if file.suffix == ".keras" and file.is_file():
            return _of_keras(functools.partial(read_keras, file), file.parent, do_lower_case)
    if sources.is_weights(path):
        return _of_keras(functools.partial(_filled, path), path.parent, do_lower_case)
    return _of_checkpoint(sources.resolve(zoo.resolve(source)), do_lower_case)


def content_of(
    model: keras.Model, tokenizer: Tokenizer | None, load: Callable[[Any], keras.Model]
) -> Content:
    """Takes a model that is there, and how to make it once more.

    Raises:
        TypeError: it is none that a bundle can hold.
    """
    weights = _weights_of(model)
    names = {row.tensor: row.variable for row in weights.rows}
    return Content("keras", weights, names, {}, tokenizer, load, lambda dtype: load(dtype).encoder)


def _weights_of(model: keras.Model) -> ModelWeights:
    task = bundle.task_of_model(model)
    # What follows the encoder of an embedder is in none of the tables.
    stored = (model.encoder, None) if task == "sentence_embedding" else (model, task)
    return dataclasses.replace(weights_of(*stored), task=task)


def load_checkpoint(path: pathlib.Path, task: str | None, dtype: Any = None) -> keras.Model:
    """Makes the model of a checkpoint of any layout."""
    return bundle.load(path, task=task, dtype=dtype, fresh_head=False).model


def _filled(file: pathlib.Path) -> keras.Model:
    """The model of the checkpoint beside a file of weights, with the weights of the file."""
    open_hdf5(file)  # says what is damaged
    try:
        model = _of_checkpoint(sources.resolve(file.parent), None).load(None)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{file} holds numbers alone. Put a checkpoint of the model beside it, whatever its "
            f"numbers, as save writes it: {error}"
        ) from error
    try:
        with warnings.catch_warnings(action="ignore"):  # the error says it
            model.load_weights(file)
    except Exception as error:  # of every kind, by what is wrong
        task = getattr(model, "task", None)
        raise CheckpointError(
            f"{file} does not fit the {type(model).__name__} of the checkpoint beside it ("
            f"{'a bare encoder' if task is None else f'for {task}'}): {str(error)[:200]} … Put "
            "a checkpoint of the model beside it that the weights were saved of, as save writes it."
        ) from error
    return model


class _Held:
    """A model of files of Keras: it is there until someone takes it, and read again then."""

    def __init__(self, read: Callable[[], keras.Model]) -> None:
        self._read = read
        self._there: tuple[keras.Model, ModelWeights] | None = None

    def look(self) -> tuple[keras.Model, ModelWeights]:
        """The model and its weights, not to be kept."""
        if self._there is None:
            model = self._read()
            self._there = model, _weights_of(model)
        return self._there

    def take(self, dtype: Any) -> keras.Model:
        """Hands the model over; the dtype is the one in the file."""
        model, _ = self.look()
        self._there = None
        return model

    def tensor(self, name: str, like: Tensor) -> LazyTensor:
        """A tensor of the weights that does not hold the model."""
        return LazyTensor(like.dtype, like.shape, lambda: self.look()[1].tensors[name].read())


def _of_keras(
    read: Callable[[], keras.Model], directory: pathlib.Path, do_lower_case: bool | None
) -> Content:
    held = _Held(read)
    config = held.look()[1].config
    tokenizer = read_tokenizer(Checkpoint(config, {}, {}, {}, directory), do_lower_case)
    content = content_of(held.look()[0], tokenizer, held.take)
    weights = content.weights
    tensors = {name: held.tensor(name, tensor) for name, tensor in weights.tensors.items()}
    return dataclasses.replace(content, weights=dataclasses.replace(weights, tensors=tensors))


def _of_checkpoint(path: pathlib.Path, do_lower_case: bool | None) -> Content:
    folder = encoder_folder(path)
    layout = layout_of(folder)
    checkpoint = layout.read(folder)
    architecture = tables.architecture(checkpoint.config.model_type)
    task = _task_of(architecture, checkpoint)
    rows = tuple(
        row for row in architecture.every_row(checkpoint.config) if row.tensor in checkpoint.tensors
    )
    skipped = {**checkpoint.skipped, **_left_behind(architecture, checkpoint, task, rows)}
    load, load_encoder = (functools.partial(load_checkpoint, path, each) for each in (task, None))
    tokenizer = read_tokenizer(checkpoint, do_lower_case)
    weights = ModelWeights(checkpoint.config, task, rows, checkpoint.tensors)
    modules = path if is_sentence_directory(path) else None
    return Content(
        layout.name,
        weights,
        checkpoint.names,
        skipped,
        tokenizer,
        load,
        load_encoder,
        modules,
    )


def _task_of(architecture: tables.Architecture, checkpoint: Checkpoint) -> str | None:
    """That of a fine-tuned model, else the most that the tensors are enough for."""
    own = {name: task for task, name in architecture.classes.items()}.get(
        stated_class(checkpoint.config) or ""
    )
    if own is not None and own not in architecture.on_request:
        return own
    return fullest_task(architecture, checkpoint.config, checkpoint.tensors)


def _left_behind(
    architecture: tables.Architecture,
    checkpoint: Checkpoint,
    task: str | None,
    rows: tuple[tables.Row, ...],
) -> dict[str, str]:
    """Why each tensor that is no row may stay behind.

    Raises:
        CheckpointError: one may not, or a row of the model has no tensor; all are listed.
    """
    tensors, present = checkpoint.tensors, {row.tensor for row in rows}
    pooler = architecture.stores_pooler(checkpoint.config, present)
    needed = architecture.rows(checkpoint.config, pooler=pooler, task=task)
    problems = [f"{row.tensor} is missing" for row in needed if row.tensor not in present]
    problems += untied(architecture, present, tensors)
    reasons = {}
    for name in sorted(tensors.keys() - present):
        copied = architecture.copies.get(name)
        same = copied in present
        reason = f"a copy of {copied}" if same else architecture.why_skippable(name)
        if reason is None:
            problems.append(f"{name} is left over")
        else:
            reasons[checkpoint.names[name]] = reason
    if problems:
        raise CheckpointError("The checkpoint is not complete:\n  " + "\n  ".join(problems))
    return reasons
