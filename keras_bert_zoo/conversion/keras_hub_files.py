"""Presets of keras-hub are written by keras-hub itself, from a live model."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.keras_hub_bridge import to_keras_hub
from keras_bert_zoo.checkpoints.keras_hub_tables import PRESETS
from keras_bert_zoo.checkpoints.tensors import nbytes
from keras_bert_zoo.conversion.content import Content, load_checkpoint
from keras_bert_zoo.conversion.place import Place, Written
from keras_bert_zoo.tokenizers.keras_hub_files import arguments


def fitted(content: Content, allow_tanh_gelu: bool) -> Content:
    """The part of a content that a preset holds.

    Heads of pretraining are left behind. What sentence-transformers does behind an encoder becomes
    a text embedder.

    Args:
        content: of any source.
        allow_tanh_gelu: whether exact GELU may become the approximation by tanh.
    """
    weights, load = content.weights, content.load
    if content.modules is not None:
        weights = dataclasses.replace(weights, task="sentence_embedding")
        load = functools.partial(load_checkpoint, content.modules, weights.task)
    elif weights.task in tables.architecture(weights.config.model_type).on_request:
        weights = dataclasses.replace(weights, task=None)
        load = functools.partial(_encoder, load)
    has = PRESETS.get(weights.config.model_type)
    exact = weights.config.hidden_act == "gelu"
    if allow_tanh_gelu and exact and has and has.fixed["hidden_act"] == "gelu_new":
        load = functools.partial(_approximated, load)
    return dataclasses.replace(content, weights=weights, load=load)


def write(content: Content, place: Place) -> dict[str, Written]:
    """Writes a preset, its tokenizer included.

    Raises:
        TypeError, ValueError: keras-hub would compute other numbers, or cannot read texts as the
            tokenizer does; the message says why.
    """
    config, rows = content.weights.config, content.weights.rows
    dtype = place.dtype and place.dtype.name
    model = content.load(dtype)
    live = to_keras_hub(model, dtype=dtype)
    for each in [live] if content.tokenizer is None else _with_tokenizer(live, model, content):
        each.save_to_preset(str(place.directory))
    place.done(sum(nbytes(content.weights.tensors[row.tensor]) for row in rows))
    kinds = {variable.path: str(variable.dtype) for variable in live.weights}
    paths = {variable.path for variable in model.weights}
    there = {row.tensor: row.variable for row in rows if row.variable in paths}
    found = PRESETS[config.model_type].addresses(there.values(), config.num_hidden_layers)
    return {
        row: Written(found[path].stored, kinds[found[path].live]) for row, path in there.items()
    }


def _with_tokenizer(live: Any, model: keras.Model, content: Content) -> list[Any]:
    """What is to be saved: a backbone and its tokenizer, or a task model that holds both."""
    import keras_hub

    config = content.weights.config
    tokenizer: Any = content.tokenizer
    kind = getattr(keras_hub.models, f"{PRESETS[config.model_type].prefix}Tokenizer")
    theirs = kind(**arguments(tokenizer.vocabulary, tokenizer.options))
    if not isinstance(live, keras_hub.models.Task):
        return [live, theirs]
    longest = getattr(model, "head", {}).get("max_seq_length") or tokenizer.model_max_length
    live.preprocessor = live.preprocessor_cls(
        theirs, sequence_length=min(longest, config.max_position_embeddings)
    )
    return [live]


def _encoder(load: Any, dtype: Any) -> keras.Model:
    return load(dtype).encoder


def _approximated(load: Any, dtype: Any) -> keras.Model:
    """A model with the same weights under the other GELU."""
    model = load(dtype)
    made = type(model).from_config(_with_tanh(model.get_config()))
    for variable, source in zip(made.weights, model.weights, strict=True):
        variable.assign(source)
    return made


def _with_tanh(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {
        key: "gelu_new" if key == "hidden_act" else _with_tanh(value)
        for key, value in values.items()
    }
