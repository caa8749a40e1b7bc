"""Weights from and to live models of keras-hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo.checkpoints.keras_hub_places import Preset, meant
from keras_bert_zoo.checkpoints.keras_hub_tables import BACKBONES, PRESETS
from keras_bert_zoo.checkpoints.memory import Starting
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import activations
from keras_bert_zoo.models import Encoder, SentenceEmbedder, SequenceClassifier, encoder_of
from keras_bert_zoo.models.pretraining import PretrainingModel
from keras_bert_zoo.models.trained_parts import merged_weights

if TYPE_CHECKING:
    # Takes seconds to import; a live model comes from a program that has done so.
    import keras_hub

# Poolings that a text embedder of keras-hub has too.
_POOLINGS = ("mean", "cls", "max")
# Our tasks, and the kind of task model that keras-hub has for each.
_KINDS = {
    None: None,
    "sequence_classification": "TextClassifier",
    "sentence_embedding": "TextEmbedder",
    "masked_lm": "MaskedLM",
}


def from_keras_hub(backbone: keras_hub.models.Backbone, *, dtype: Any = None) -> Encoder:
    """Returns an encoder with the weights of a keras-hub backbone.

    keras-hub's BERT, ALBERT and ELECTRA always compute GELU by the tanh approximation, so the
    config says ``"gelu_new"``.

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
    arguments = backbone.get_config()
    config = preset.config(arguments)
    with Starting():
        encoder = encoder_of(config, add_pooling_layer=preset.has_pooler, dtype=dtype)
        ours, theirs = _by_path(encoder), _by_path(backbone)
        for our_path, their_path in _matched(preset, ours, theirs, config).items():
            values = keras.ops.convert_to_numpy(theirs[their_path])
            _copy(preset.as_ours(our_path, values), ours[our_path])
    return encoder


def to_keras_hub(
    model: Encoder | SequenceClassifier | SentenceEmbedder | PretrainingModel,
    *,
    allow_tanh_gelu: bool = False,
    dtype: Any = None,
) -> keras_hub.models.Backbone | keras_hub.models.Task:
    """Returns a keras-hub model with the weights of one of ours, LoRA's updates merged.

    An encoder becomes a backbone, a ``SequenceClassifier`` a text classifier that returns
    logits, a ``SentenceEmbedder`` a text embedder, a ``PretrainingModel`` for words alone a masked
    language model. keras-hub has one rate of dropout for all of an encoder, our
    ``hidden_dropout_prob``. A pooler that keras-hub's backbone lacks is left out.

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

    kind = _kind(model)
    preset = _preset(model, allow_tanh_gelu)
    backbone = getattr(keras_hub.models, f"{preset.prefix}Backbone")
    ours = preset.as_theirs(merged_weights(model))
    if kind:
        _check_head(kind, preset, model)
    with Starting():
        result = backbone(**preset.arguments(model.config), dtype=dtype)
        if kind:
            task = getattr(keras_hub.models, preset.prefix + kind)
            result = task(result, compile=False, **_further(model, preset))
        theirs = _by_path(result)
        pairs = _matched(preset, ours, theirs, model.config, unasked=kind == "TextEmbedder")
        for path in theirs.keys() - set(pairs.values()):
            theirs[path].assign(keras.ops.zeros(theirs[path].shape, theirs[path].dtype))
        for our_path, their_path in pairs.items():
            _copy(ours[our_path], theirs[their_path])
    if kind:  # as it does itself, but an optimizer has variables that cannot wait for their values
        result.compile()
    return result


def _kind(model: keras.Model) -> str | None:
    """The kind of keras-hub's task model; none is a backbone."""
    task = getattr(model, "task", "unknown")
    if task not in _KINDS:
        raise TypeError(
            f"model must be an encoder or for one of {sorted(filter(None, _KINDS))}, received "
            f"{type(model).__name__}: keras-hub has no head that computes what its does. "
            f"{_encoder_of(model)}"
        )
    return _KINDS[task]


def _check_head(kind: str, preset: Preset, model: keras.Model) -> None:
    name = f"{preset.prefix}{kind}"
    if kind in preset.unlike:
        raise TypeError(
            f"keras-hub's {name} computes something else: {preset.unlike[kind]}. "
            f"{_encoder_of(model)}"
        )
    if kind not in preset.heads:
        raise TypeError(f"keras-hub has no {name}. {_encoder_of(model)}")


def _encoder_of(model: keras.Model) -> str:
    """How to write the encoder of a model that cannot be written."""
    encoder, name = getattr(model, "encoder", None), "model.encoder"
    if encoder is None:
        return "Pass an encoder."
    preset = PRESETS.get(encoder.config.model_type)
    if preset and preset.has_pooler and "pooler_output" not in encoder.output:
        if "TextEmbedder" not in preset.heads:
            return f"Nor can its encoder be written: keras-hub's {preset.prefix} needs a pooler."
        name = f"SentenceEmbedder({name})"  # whose backbone has a pooler of zeros
    return (
        f"Write its encoder, in Python: write_keras_hub({name}, tokenizer, directory), where model "
        "and tokenizer are what load returns."
    )


def _further(model: keras.Model, preset: Preset) -> dict[str, Any]:
    """The arguments of a task model behind the backbone."""
    if isinstance(model, SentenceEmbedder):
        return _pooling(model.head)
    if not isinstance(model, SequenceClassifier):
        return {}
    config, rate = model.config, meant(model.config, preset.dropout)
    dropout = config.hidden_dropout_prob if rate is None else rate
    return {"num_classes": config.num_labels, "dropout": dropout}


def _pooling(head: Mapping[str, Any]) -> dict[str, Any]:
    first, *more = head["pooling"]
    if more or first not in _POOLINGS or head["dense_units"] or head["truncate_dim"]:
        raise ValueError(
            f"keras-hub's text embedders have one pooling of {list(_POOLINGS)}, no dense layer and "
            f"all numbers, received {head}. Pass the encoder."
        )
    return {"pooling_mode": first, "normalize": head["normalize"]}


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
    if preset.has_pooler and isinstance(model, Encoder) and "pooler_output" not in model.output:
        problems.append(f"the encoder has no pooler, keras-hub's {preset.prefix} has one")
    if problems:
        raise ValueError("keras-hub cannot compute what this model does: " + "; ".join(problems))
    return preset


def _differences(config: EncoderConfig, preset: Preset, allow_tanh_gelu: bool) -> list[str]:
    theirs = preset.config(preset.arguments(config))
    problems = [
        f"{key} is {meant(config, key)!r}, keras-hub's {preset.prefix} has {value!r} alone"
        for key, value in preset.fixed.items()
        if key != "hidden_act" and meant(config, key) != meant(theirs, key)
    ]
    problems += [
        f"{key} is {meant(config, key)}, keras-hub's {preset.prefix} needs at least 1"
        for key, argument in preset.sizes.items()
        if argument != "dropout" and meant(config, key) < 1
    ]
    acts = config.hidden_act, theirs.hidden_act
    if activations.get(acts[0]) is activations.get(acts[1]):
        return problems
    if acts != ("gelu", "gelu_new"):
        problems.append(
            f"hidden_act is {acts[0]!r}, keras-hub's {preset.prefix} has {acts[1]!r} alone"
        )
    elif not allow_tanh_gelu:
        problems.append(
            f"hidden_act is 'gelu', computed exactly, but keras-hub's {preset.prefix} always takes "
            "the tanh approximation; pass allow_tanh_gelu=True (--allow_tanh_gelu) to accept "
            "outputs that differ slightly"
        )
    return problems


def _by_path(model: keras.Model) -> dict[str, Any]:
    return {variable.path: variable for variable in model.weights}


def _matched(
    preset: Preset,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    config: EncoderConfig,
    unasked: bool = False,
) -> dict[str, str]:
    """Our path and theirs, every variable of both models once.

    Left out are those of theirs that ours lacks, and if it is ``unasked`` the pooler.
    """
    addresses = preset.addresses(ours, config)
    pairs = {path: address.live for path, address in addresses.items()}
    odd = sorted(
        path
        for path in theirs.keys() ^ set(pairs.values())
        if not preset.why_spare(path) and not (unasked and path.startswith("pooled_dense/"))
    )
    if odd:
        raise CheckpointError(
            f"These variables of keras-hub's {preset.prefix} have no counterpart: {odd}."
        )
    return pairs


def _copy(source: Any, target: Any) -> None:
    # Theirs have an axis for the heads, in kernels and biases of attention.
    target.assign(keras.ops.reshape(source, target.shape))
