"""The formats that are written: a table to which a row is added for another one."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras

from keras_bert_zoo.checkpoints import google, hugging_face, keras_hub_presets
from keras_bert_zoo.checkpoints.model_card import model_card
from keras_bert_zoo.checkpoints.sentence_transformers import copy_modules
from keras_bert_zoo.checkpoints.tensors import nbytes
from keras_bert_zoo.conversion import keras_hub_files
from keras_bert_zoo.conversion.content import KERAS_FILE, Content, load_checkpoint
from keras_bert_zoo.conversion.keras_files import read_keras, write_keras
from keras_bert_zoo.conversion.place import Place, Written


class Target(NamedTuple):
    """How one format is written, and read again.

    Args:
        write: writes config, weights and tokenizer; returns what each tensor of the table became.
        load: makes a model for a task of what was written.
        fitted: takes the part that the format holds; the argument besides is that of ``convert``.
    """

    write: Callable[[Content, Place], dict[str, Written]]
    load: Callable[[pathlib.Path, str | None], keras.Model]
    fitted: Callable[[Content, bool], Content]


def _whole(content: Content, allow_tanh_gelu: bool) -> Content:
    if allow_tanh_gelu:
        raise ValueError("allow_tanh_gelu is for keras-hub: other formats say which GELU it is.")
    if content.weights.task == "sentence_embedding":
        raise ValueError(
            "A SentenceEmbedder has no format but those of sentence-transformers and keras-hub: "
            "use save, or convert its encoder."
        )
    return content


def _write_hugging_face(content: Content, place: Place) -> dict[str, Written]:
    weights = content.weights
    crf = any(row.tensor.startswith("crf.") for row in weights.rows)
    card = model_card(weights.config, weights.task, place.title, crf=crf)
    (place.directory / "README.md").write_text(card, encoding="utf-8")
    if content.modules is not None:
        copy_modules(content.modules, weights.config.hidden_size, place.directory)
    _save_tokenizer(content, place)
    return _written(
        content, place, hugging_face.write(weights, place.directory, place.dtype, place.done)
    )


def _write_google(content: Content, place: Place) -> dict[str, Written]:
    _save_tokenizer(content, place)
    return _written(
        content, place, google.write(content.weights, place.directory, place.dtype, place.done)
    )


def _save_tokenizer(content: Content, place: Place) -> None:
    if content.tokenizer is not None:
        content.tokenizer.save(place.directory)


def _written(content: Content, place: Place, names: Mapping[str, str]) -> dict[str, Written]:
    tensors = content.weights.tensors
    return {
        row: Written(name, str(place.dtype or tensors[row].dtype)) for row, name in names.items()
    }


def _write_keras(content: Content, place: Place) -> dict[str, Written]:
    if content.layout == "keras" and place.dtype is not None:
        raise ValueError("A Keras model keeps the dtype it was saved with: leave dtype out.")
    model, rows = content.load(place.dtype and place.dtype.name), content.weights.rows
    write_keras(model, place.directory / KERAS_FILE)
    _save_tokenizer(content, place)
    place.done(sum(nbytes(content.weights.tensors[row.tensor]) for row in rows))
    # Layers that compute in float32 whatever the policy says keep their weights in it.
    kinds = {variable.path: str(variable.dtype) for variable in model.weights}
    return {
        row.tensor: Written(row.variable, kinds[row.variable])
        for row in rows
        if row.variable in kinds
    }


def _load_keras(directory: pathlib.Path, task: str | None) -> keras.Model:
    return read_keras(directory / KERAS_FILE)


TARGETS = {
    "hf": Target(_write_hugging_face, load_checkpoint, _whole),
    "google": Target(_write_google, load_checkpoint, _whole),
    "keras": Target(_write_keras, _load_keras, _whole),
    "keras-hub": Target(keras_hub_files.write, load_checkpoint, keras_hub_files.fitted),
}
# Patterns of the files that conversions write and `save` does not.
WRITTEN = (google.CONFIG, f"{google.PREFIX}.*", KERAS_FILE, *keras_hub_presets.WRITTEN)
