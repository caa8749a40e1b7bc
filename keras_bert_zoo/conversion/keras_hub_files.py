"""Presets of keras-hub are written by keras-hub itself, from a live model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any, cast

import keras

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.keras_hub_bridge import to_keras_hub
from keras_bert_zoo.checkpoints.keras_hub_tables import PRESETS
from keras_bert_zoo.checkpoints.memory import Starting, as_tensors
from keras_bert_zoo.checkpoints.tensors import nbytes
from keras_bert_zoo.conversion.content import Content, load_checkpoint
from keras_bert_zoo.conversion.place import Place, Written


def fitted(content: Content, allow_tanh_gelu: bool) -> Content:
    """The part of a content that a preset holds.

    Heads of pretraining are left behind. What sentence-transformers does behind an encoder becomes
    a text embedder.

    Args:
        content: of any source.
        allow_tanh_gelu: whether exact GELU may become the approximation by tanh.
    """
    weights, load = content.weights, content.load
    model_type = weights.config.model_type
    has = PRESETS.get(model_type)
    if content.modules is not None:
        weights = dataclasses.replace(weights, task="sentence_embedding")
        load = functools.partial(load_checkpoint, content.modules, weights.task)
    elif weights.task in tables.architecture(model_type).on_request and not (
        has and weights.task in has.heads.values()
    ):
        weights = dataclasses.replace(weights, task=None)
        load = content.load_encoder
    if weights.task is None and has and not has.has_pooler:
        load = functools.partial(_remade, load, {"add_pooling_layer": False})
    exact, load_exact = weights.config.hidden_act == "gelu", None
    if allow_tanh_gelu and exact and has and has.fixed["hidden_act"] == "gelu_new":
        load_exact, load = load, functools.partial(_remade, load, {"hidden_act": "gelu_new"})
    return dataclasses.replace(content, weights=weights, load=load, load_exact=load_exact)


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
    with as_tensors(live):
        for part in _parts(live, model, content):
            part.save_to_preset(str(place.directory))
    place.done(sum(nbytes(content.weights.tensors[row.tensor]) for row in rows))
    kinds = {variable.path: str(variable.dtype) for variable in live.weights}
    paths = {variable.path for variable in model.weights}
    there = {row.tensor: row.variable for row in rows if row.variable in paths}
    found = PRESETS[config.model_type].addresses(there.values(), config)
    return {
        row: Written(found[path].stored, kinds[found[path].live]) for row, path in there.items()
    }


def _parts(live: Any, model: keras.Model, content: Content) -> Iterator[Any]:
    """What is to be saved: a backbone and then its tokenizer, or a task model that holds both.

    The tokenizer is made when the weights are written: both at once need more memory.
    """
    import keras_hub

    is_task = isinstance(live, keras_hub.models.Task)
    if content.tokenizer is None or not is_task:
        yield live
    if content.tokenizer is not None:
        theirs = _tokenizer(content)
        yield _prepared(live, model, content, theirs) if is_task else theirs


def _tokenizer(content: Content) -> Any:
    import keras_hub

    name = f"{PRESETS[content.weights.config.model_type].prefix}Tokenizer"
    tokenizer: Any = content.tokenizer
    return getattr(keras_hub.models, name)(**tokenizer.preset_arguments(name))


def _prepared(live: Any, model: keras.Model, content: Content, theirs: Any) -> Any:
    """The task model with what prepares its texts."""
    config, tokenizer = content.weights.config, cast("Any", content.tokenizer)
    longest = getattr(model, "head", {}).get("max_seq_length") or tokenizer.model_max_length
    live.preprocessor = live.preprocessor_cls(
        theirs, sequence_length=min(longest, config.max_position_embeddings)
    )
    return live


def _remade(load: Any, changes: Mapping[str, Any], dtype: Any) -> keras.Model:
    """A model with the same weights, of which some arguments or choices are others."""
    model = load(dtype)
    with Starting():
        made = type(model).from_config(_changed(model.get_config(), changes))
        weights = {weight.path: weight for weight in model.weights}
        for variable in made.weights:
            variable.assign(weights[variable.path])
    return made


def _changed(values: Any, changes: Mapping[str, Any]) -> Any:
    if not isinstance(values, dict):
        return values
    return {key: changes.get(key, _changed(value, changes)) for key, value in values.items()}
