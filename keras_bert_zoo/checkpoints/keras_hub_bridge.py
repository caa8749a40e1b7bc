"""Weights from and to live models of keras-hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo.checkpoints import tables
from keras_bert_zoo.checkpoints.keras_hub_tables import BACKBONES, PRESETS, Preset
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import activations
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder, SequenceClassifier
from keras_bert_zoo.models.task_model import head_dropout
from keras_bert_zoo.models.trained_parts import merged_weights

if TYPE_CHECKING:
    # Takes seconds to import; a live model comes from a program that has done so.
    import keras_hub

# Poolings that a text embedder of keras-hub has too.
_POOLINGS = ("mean", "cls", "max")


def from_keras_hub(backbone: keras_hub.models.Backbone, *, dtype: Any = None) -> BertEncoder:
    """Returns an encoder with the weights of a keras-hub backbone.

    keras-hub's BERT always computes GELU by the tanh approximation, so the config says
    ``"gelu_new"``.

    Args:
        backbone: with inputs ``token_ids``, ``padding_mask`` and ``segment_ids``, which are
            our ``input_ids``, ``attention_mask`` and ``token_type_ids``.
        dtype: dtype policy of the layers; the global one by default.

    Raises:
        CheckpointError: it is of an architecture that is not read, or has other variables.
    """
    names = [kind.__name__ for kind in type(backbone).__mro__]
    preset = next((BACKBONES[name] for name in names if name in BACKBONES), None)
    if preset is None:
        raise CheckpointError(f"backbone must be one of {sorted(BACKBONES)}, received {names[0]}.")
    config = EncoderConfig(
        model_type=preset.model_type,
        attention_probs_dropout_prob=backbone.dropout,
        **{ours: getattr(backbone, theirs) for ours, theirs in preset.sizes.items()},
        **preset.fixed,
    )
    encoder = BertEncoder(config, dtype=dtype)
    ours, theirs = _by_path(encoder), _by_path(backbone)
    for our_path, their_path in _matched(preset, ours, theirs, config).items():
        _copy(theirs[their_path], ours[our_path])
    return encoder


def to_keras_hub(
    model: BertEncoder | SequenceClassifier | SentenceEmbedder,
    *,
    allow_tanh_gelu: bool = False,
    dtype: Any = None,
) -> keras_hub.models.Backbone | keras_hub.models.Task:
    """Returns a keras-hub model with the weights of one of ours, LoRA's updates merged.

    An encoder becomes a backbone, a ``SequenceClassifier`` a text classifier that returns
    logits, a ``SentenceEmbedder`` a text embedder. keras-hub has one rate of dropout for all of
    an encoder, our ``hidden_dropout_prob``.

    Args:
        model: one that keras-hub can express.
        allow_tanh_gelu: accept a model with exact GELU although keras-hub will compute
            the tanh approximation, with outputs that differ in the third decimal.
        dtype: dtype policy of the layers; the global one by default.

    Raises:
        TypeError: it is a model of another kind.
        ValueError: keras-hub would compute other numbers; the message says which and why.
        CheckpointError: the variables are not those of the architecture.
    """
    import keras_hub

    kind, arguments = _head(model)
    preset = _preset(model, allow_tanh_gelu)
    if kind and kind not in preset.heads:
        raise TypeError(f"keras-hub has no {preset.prefix}{kind}. Pass the encoder.")
    sizes = {theirs: getattr(model.config, ours) for ours, theirs in preset.sizes.items()}
    result = getattr(keras_hub.models, f"{preset.prefix}Backbone")(**sizes, dtype=dtype)
    if kind:
        result = getattr(keras_hub.models, preset.prefix + kind)(result, **arguments)
    ours, theirs = merged_weights(model), _by_path(result)
    if kind == "TextEmbedder":
        ours = {**_no_pooler(model.config), **ours}
    for our_path, their_path in _matched(preset, ours, theirs, model.config).items():
        _copy(ours[our_path], theirs[their_path])
    return result


def _head(model: keras.Model) -> tuple[str | None, dict[str, Any]]:
    """The kind of keras-hub's task model, and its arguments behind the backbone."""
    if isinstance(model, BertEncoder):
        return None, {}
    if isinstance(model, SequenceClassifier):
        config = model.config
        return "TextClassifier", {"num_classes": config.num_labels, "dropout": head_dropout(config)}
    if isinstance(model, SentenceEmbedder):
        return "TextEmbedder", _pooling(model.head)
    raise TypeError(
        "model must be a BertEncoder, SequenceClassifier or SentenceEmbedder, received "
        f"{type(model).__name__}: keras-hub has no head that computes what its does. Pass its "
        "encoder."
    )


def _pooling(head: Mapping[str, Any]) -> dict[str, Any]:
    first, *more = head["pooling"]
    if more or first not in _POOLINGS or head["dense_units"] or head["truncate_dim"]:
        raise ValueError(
            f"keras-hub's text embedders have one pooling of {list(_POOLINGS)}, no dense layer and "
            f"all numbers, received {head}. Pass the encoder."
        )
    return {"pooling_mode": first, "normalize": head["normalize"]}


def _no_pooler(config: EncoderConfig) -> dict[str, Any]:
    """What the backbone of a text embedder has for a pooler that nothing asks: zeros."""
    width = config.hidden_size
    rows = tables.architecture(config.model_type).pooler
    return {row.variable: keras.ops.zeros((width,) * (1 + row.transposed)) for row in rows}


def _preset(model: keras.Model, allow_tanh_gelu: bool) -> Preset:
    """The table for a model, if keras-hub computes what it does."""
    config = model.config
    if config.model_type not in PRESETS:
        raise ValueError(
            f"model_type must be one of {sorted(PRESETS)} for keras-hub, received "
            f"{config.model_type!r}."
        )
    preset = PRESETS[config.model_type]
    problems = _differences(config, preset, allow_tanh_gelu)
    pooler = isinstance(model, BertEncoder) and tables.architecture(config.model_type).pooler
    if pooler and "pooler_output" not in model.output:
        problems.append(f"the encoder has no pooler, keras-hub's {preset.prefix} has one")
    if problems:
        raise ValueError("keras-hub cannot compute what this model does: " + "; ".join(problems))
    return preset


def _differences(config: EncoderConfig, preset: Preset, allow_tanh_gelu: bool) -> list[str]:
    problems = [
        f"{key} is {getattr(config, key)!r}, keras-hub's {preset.prefix} has {value!r} alone"
        for key, value in preset.fixed.items()
        if getattr(config, key) != value and key != "hidden_act"
    ]
    ours, theirs = config.hidden_act, preset.fixed["hidden_act"]
    if activations.get(ours) is activations.get(theirs):
        return problems
    if (ours, theirs) != ("gelu", "gelu_new"):
        problems.append(f"hidden_act is {ours!r}, keras-hub's {preset.prefix} has {theirs!r} alone")
    elif not allow_tanh_gelu:
        problems.append(
            f"hidden_act is 'gelu', computed exactly, but keras-hub's {preset.prefix} always takes "
            "the tanh approximation; pass allow_tanh_gelu=True to accept outputs that differ "
            "slightly"
        )
    return problems


def _by_path(model: keras.Model) -> dict[str, Any]:
    return {variable.path: variable for variable in model.weights}


def _matched(
    preset: Preset, ours: Mapping[str, Any], theirs: Mapping[str, Any], config: EncoderConfig
) -> dict[str, str]:
    """Our path and theirs, every variable of both models once."""
    addresses = preset.addresses(ours, config.num_hidden_layers)
    pairs = {path: address.live for path, address in addresses.items()}
    if odd := sorted(theirs.keys() ^ set(pairs.values())):
        raise CheckpointError(
            f"These variables of keras-hub's {preset.prefix} have no counterpart: {odd}."
        )
    return pairs


def _copy(source: Any, target: Any) -> None:
    # Theirs have an axis for the heads, in kernels and biases of attention.
    target.assign(keras.ops.reshape(source, target.shape))
