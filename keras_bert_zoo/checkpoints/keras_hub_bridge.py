"""Weights from and to a live ``keras_hub.models.BertBackbone``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

if TYPE_CHECKING:
    # Takes seconds to import; a live backbone comes from a program that has done so.
    import keras_hub

_BLOCK, _THEIR_BLOCK = "encoder/layer_{layer}", "transformer_layer_{layer}"
_ATTENTION = f"{_THEIR_BLOCK}/self_attention_layer"
# Our path or folder of paths, theirs. Their attention kernels have an axis for the heads, which
# a reshape adds or removes.
_PATHS = {
    "embeddings/word_embeddings": "token_embedding/embeddings",
    "embeddings/position_embeddings": "position_embedding/embeddings",
    "embeddings/token_type_embeddings": "segment_embedding/embeddings",
    "embeddings/norm/": "embeddings_layer_norm/",
    f"{_BLOCK}/attention/query/": f"{_ATTENTION}/query/",
    f"{_BLOCK}/attention/key/": f"{_ATTENTION}/key/",
    f"{_BLOCK}/attention/value/": f"{_ATTENTION}/value/",
    f"{_BLOCK}/attention/output/": f"{_ATTENTION}/attention_output/",
    f"{_BLOCK}/attention_norm/": f"{_ATTENTION}_norm/",
    f"{_BLOCK}/intermediate/": f"{_THEIR_BLOCK}/feedforward_intermediate_dense/",
    f"{_BLOCK}/output/": f"{_THEIR_BLOCK}/feedforward_output_dense/",
    f"{_BLOCK}/output_norm/": f"{_THEIR_BLOCK}/feedforward_layer_norm/",
    "pooler/dense/": "pooled_dense/",
}
_TANH_GELU = ("gelu_new", "gelu_pytorch_tanh")


def from_keras_hub(backbone: keras_hub.models.BertBackbone, *, dtype: Any = None) -> BertEncoder:
    """Returns an encoder with the weights of a keras-hub backbone.

    keras-hub's BERT always computes GELU by the tanh approximation, so the config says
    ``"gelu_new"``.

    Args:
        backbone: with inputs ``token_ids``, ``padding_mask`` and ``segment_ids``, which are
            our ``input_ids``, ``attention_mask`` and ``token_type_ids``.
        dtype: dtype policy of the layers; the global one by default.

    Raises:
        CheckpointError: its variables are not those of a BERT backbone.
    """
    config = EncoderConfig(
        vocab_size=backbone.vocabulary_size,
        hidden_size=backbone.hidden_dim,
        num_hidden_layers=backbone.num_layers,
        num_attention_heads=backbone.num_heads,
        intermediate_size=backbone.intermediate_dim,
        max_position_embeddings=backbone.max_sequence_length,
        type_vocab_size=backbone.num_segments,
        hidden_act="gelu_new",
        hidden_dropout_prob=backbone.dropout,
        attention_probs_dropout_prob=backbone.dropout,
        layer_norm_eps=backbone.embeddings_layer_norm.epsilon,
    )
    encoder = BertEncoder(config, dtype=dtype)
    ours, theirs = _by_path(encoder), _by_path(backbone)
    for our_path, their_path in _matched(ours, theirs, config.num_hidden_layers):
        _copy(theirs[their_path], ours[our_path])
    return encoder


def to_keras_hub(
    encoder: BertEncoder, *, allow_tanh_gelu: bool = False
) -> keras_hub.models.BertBackbone:
    """Returns a keras-hub backbone with the weights of an encoder.

    Args:
        encoder: one that keras-hub can express.
        allow_tanh_gelu: accept an encoder with exact GELU although keras-hub will compute
            the tanh approximation, with outputs that differ in the third decimal.

    Raises:
        ValueError: keras-hub would compute other numbers; the message says which and why.
        CheckpointError: the variables are not those of a BERT encoder.
    """
    import keras_hub

    config = encoder.config
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=config.vocab_size,
        num_layers=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        hidden_dim=config.hidden_size,
        intermediate_dim=config.intermediate_size,
        dropout=config.hidden_dropout_prob,
        max_sequence_length=config.max_position_embeddings,
        num_segments=config.type_vocab_size,
    )
    _check_expressible(encoder, backbone, allow_tanh_gelu)
    ours, theirs = _by_path(encoder), _by_path(backbone)
    for our_path, their_path in _matched(ours, theirs, config.num_hidden_layers):
        _copy(ours[our_path], theirs[their_path])
    return backbone


def _check_expressible(encoder: BertEncoder, backbone: Any, allow_tanh_gelu: bool) -> None:
    config, problems = encoder.config, []
    epsilon = backbone.embeddings_layer_norm.epsilon
    if config.hidden_act == "gelu" and not allow_tanh_gelu:
        problems.append(
            "hidden_act is 'gelu', computed exactly, but keras-hub's BERT always takes the tanh "
            "approximation; pass allow_tanh_gelu=True to accept outputs that differ slightly"
        )
    elif config.hidden_act not in ("gelu", *_TANH_GELU):
        problems.append(f"hidden_act is {config.hidden_act!r}, keras-hub's BERT has tanh GELU only")
    if config.layer_norm_eps != epsilon:
        problems.append(f"layer_norm_eps is {config.layer_norm_eps}, keras-hub's is {epsilon}")
    if config.position_embedding_type != "absolute":
        problems.append("the positions are not learned, keras-hub's are")
    if "pooler_output" not in encoder.output:
        problems.append("the encoder has no pooler, keras-hub's BERT has one")
    if problems:
        raise ValueError("keras-hub cannot compute what this encoder does: " + "; ".join(problems))


def _by_path(model: keras.Model) -> dict[str, Any]:
    return {variable.path: variable for variable in model.weights}


def _matched(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], layers: int
) -> list[tuple[str, str]]:
    """Pairs of paths, every variable of both models once."""
    names = dict(_expanded(layers))
    pairs = [(path, _translated(path, names)) for path in ours]
    odd = sorted(theirs.keys() ^ {other for _, other in pairs})
    if odd:
        raise CheckpointError(f"These variables of keras-hub's BERT have no counterpart: {odd}.")
    return pairs


def _expanded(layers: int) -> Iterator[tuple[str, str]]:
    for ours, theirs in _PATHS.items():
        for layer in range(layers if "{layer}" in ours else 1):
            yield ours.format(layer=layer), theirs.format(layer=layer)


def _translated(path: str, names: Mapping[str, str]) -> str:
    folder, slash, leaf = path.rpartition("/")
    return names[path] if path in names else names[folder + slash] + leaf


def _copy(source: Any, target: Any) -> None:
    target.assign(keras.ops.reshape(source, target.shape))
