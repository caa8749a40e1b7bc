"""Models that write and begin with the weights of an encoder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.generator_config import NESTED, TIES, DecoderConfig, Seq2SeqConfig
from keras_bert_zoo.models.causal_lm import CausalLM
from keras_bert_zoo.models.decoder import Decoder
from keras_bert_zoo.models.encoder_decoder import EncoderDecoder, encoder_decoder_of
from keras_bert_zoo.models.pretraining import PretrainingModel

_SHARED_OPTIONS = ("packed", "fused_attention", "recompute")
_ACROSS = ("/cross_attention/", "/cross_norm/")
_LAYERS = ("decoder/layer_",)
# What layers of their own may choose: words, positions and width are the encoder's.
_OWN_SIZES = (
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
)


def bert2bert(
    model: PretrainingModel,
    ids: Mapping[str, Any],
    *,
    tied: bool = False,
    new_decoder: Mapping[str, Any] | None = None,
) -> EncoderDecoder:
    """Both sides begin as the encoder is, what attends from one to the other as new.

    Rothe et al. 2019 (arXiv:1907.12461), section 2: BERT2BERT, tied BERTSHARE. The head is that of
    the masked words, whose scores the decoder's word table makes. With ``new_decoder`` all layers
    of the decoder are new; its words are the encoder's (Liu and Lapata 2019, arXiv:1908.08345,
    section 3.2, BertSumAbs).

    Args:
        model: BERT with its head for masked words; it stays as it is.
        ids: ``decoder_start_token_id``, ``eos_token_id`` and ``pad_token_id``.
        tied: whether encoder and decoder share all weights but those of what attends from one to
            the other, and of the head; they share none by default.
        new_decoder: keys of ``config.json`` in which the decoder's layers differ from the
            encoder's: numbers of layers and heads, width between them, activation, dropout.

    Raises:
        ValueError: the encoder is no BERT, or the new decoder has other keys, or is to be tied.
    """
    encoder, own = model.encoder, dict(new_decoder or {})
    if unknown := sorted(set(own) - set(_OWN_SIZES)):
        raise ValueError(
            f"new_decoder may hold {list(_OWN_SIZES)}, received {unknown}: words, positions and "
            "hidden_size are those of the encoder."
        )
    if tied and new_decoder is not None:
        raise ValueError("A new decoder has weights of its own: leave tie_encoder_decoder out.")
    config = Seq2SeqConfig(
        encoder=encoder.config,
        decoder=_decoder_config(encoder.config, add_cross_attention=True, **own),
        model_type=NESTED,
        extra={TIES: True} if tied else {},
        **ids,
    )
    options = {name: encoder.options[name] for name in _SHARED_OPTIONS}
    made = encoder_decoder_of(config, encoder=options, decoder=options, dtype=encoder.dtype_policy)
    _take(made, model, new=(*_ACROSS, *(() if new_decoder is None else _LAYERS)))
    return made


def prefix_lm(model: PretrainingModel, ids: Mapping[str, Any]) -> CausalLM:
    """BERT that reads a text from both sides and goes on behind it from the left.

    Dong et al. 2019 (arXiv:1905.03197), section 2.3: UniLM begins as BERT is, head of the masked
    words included. Nothing is new.

    Args:
        model: BERT with its head for masked words; it stays as it is.
        ids: ``bos_token_id`` before what is read, ``sep_token_id`` behind it, and
            ``eos_token_id``, the end of what is written.

    Raises:
        ValueError: the encoder is no BERT.
        ConfigError: it has one segment alone.
    """
    encoder = model.encoder
    config = _decoder_config(encoder.config, prefix_lm=True, **ids)
    options = {name: encoder.options[name] for name in _SHARED_OPTIONS}
    made = CausalLM(Decoder(config, **options, dtype=encoder.dtype_policy))
    _take(made, model, new=())
    return made


def _decoder_config(config: EncoderConfig, **choices: Any) -> DecoderConfig:
    if config.model_type != "bert":
        raise ValueError(
            "Only BERT can be a decoder too (model_type 'bert'), received an encoder of "
            f"model_type {config.model_type!r}."
        )
    return DecoderConfig.from_dict({**config.to_dict(), "is_decoder": True, **choices})


def _take(made: keras.Model, model: PretrainingModel, new: Iterable[str]) -> None:
    """Gives a model the weights of what it was made of; paths with a part of ``new`` have none."""
    known = {variable.path: variable for variable in model.weights}
    for variable in made.weights:
        if not any(part in variable.path for part in new):
            variable.assign(known[_origin(variable.path)])


def ids_of(tokenizer: Any) -> dict[str, int]:
    """What a text that is written begins with, ends with and is followed by.

    Args:
        tokenizer: whose tokens are written.
    """
    return {
        "decoder_start_token_id": tokenizer.cls_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def prefix_ids_of(tokenizer: Any) -> dict[str, int]:
    """What stands around a text that is read, and ends one that is written behind it.

    Args:
        tokenizer: whose tokens are read and written.
    """
    ids = ids_of(tokenizer)
    return {
        "bos_token_id": ids["decoder_start_token_id"],
        "sep_token_id": ids["eos_token_id"],
        "eos_token_id": ids["eos_token_id"],
        "pad_token_id": ids["pad_token_id"],
    }


def _origin(path: str) -> str:
    """Where an encoder with a head has what a side of the model begins with."""
    side, _, rest = path.partition("/")
    if side != "decoder":
        return path
    return f"encoder/{rest}" if rest.startswith("layer_") else rest
