"""Presets of keras-hub: a tiny model of every row of the table, and how both sides are asked."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from architectures import batch, tiny

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.keras_hub_tables import PRESETS
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import family
from keras_bert_zoo.models import TASKS, encoder_of

Batch = Mapping[str, np.ndarray]
# Every architecture, with every task that keras-hub computes as ours does.
CASES = [
    (model_type, task)
    for model_type, row in PRESETS.items()
    for task in dict.fromkeys([None, *row.heads.values()])
]
# Our task, and the class of keras-hub's models for it.
KINDS = {
    None: "Backbone",
    "sequence_classification": "TextClassifier",
    "sentence_embedding": "TextEmbedder",
    "masked_lm": "MaskedLM",
}
# Sizes that few other tests need: ALBERT's groups, each of several layers.
_SIZES = {"albert": {"num_hidden_groups": 2, "num_hidden_layers": 4}}
_NAMES = {
    "input_ids": "token_ids",
    "attention_mask": "padding_mask",
    "token_type_ids": "segment_ids",
    "masked_positions": "mask_positions",
}


def config_for(model_type: str) -> EncoderConfig:
    """What keras-hub can compute, with three classes."""
    theirs = {ours: name for name, ours in family(model_type).keys.items()}
    fixed = {theirs.get(key, key): value for key, value in PRESETS[model_type].fixed.items()}
    classes = {"id2label": dict(enumerate("abc"))}
    return tiny(model_type, **{**fixed, **classes, **_SIZES.get(model_type, {})})


def model_for(model_type: str, task: str | None) -> keras.Model:
    """A model of ours."""
    architecture = tables.architecture(model_type)
    pooler = architecture.has_pooler(task) if task else bool(architecture.pooler)
    encoder = encoder_of(config_for(model_type), add_pooling_layer=pooler)
    return TASKS[task](encoder) if task else encoder


def rows_for(model: keras.Model) -> dict[str, np.ndarray]:
    """Rows of several lengths."""
    rows = batch(model.config)
    if "masked_positions" in model.input:
        rows["masked_positions"] = np.array([[0, 2, 1]] * 3, "int32")
    return rows


def ask(model: keras.Model, rows: Batch) -> list[Any]:
    """The answers of a model of keras-hub, in the order of ours."""
    outputs = model({_NAMES[name]: values for name, values in rows.items()})
    if isinstance(outputs, dict):
        return [outputs["sequence_output"], outputs["pooled_output"]]
    return [outputs]


def assert_same(ours: Mapping[str, Any], theirs: Iterable[Any], rows: Batch) -> None:
    """Compares what both have; hidden states at tokens, as those of padding mean nothing."""
    for (name, one), other in zip(ours.items(), theirs, strict=False):
        mask = rows["attention_mask"][..., None] if name == "last_hidden_state" else 1
        assert_close(np.array(one) * mask, np.array(other) * mask)


def assert_close(ours: Any, other: Any) -> None:
    """Within 1e-5."""
    np.testing.assert_allclose(np.array(ours), np.array(other), rtol=0, atol=1e-5)


def edit(path: pathlib.Path, **changes: Any) -> None:
    """Changes arguments of a serialised object; ``None`` removes one."""
    values = json.loads(path.read_text())
    values["config"] = {
        key: value for key, value in {**values["config"], **changes}.items() if value is not None
    }
    path.write_text(json.dumps(values))
