"""The model that a pretraining recipe describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo import bundle
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.generator_config import DecoderConfig
from keras_bert_zoo.models import CausalLM, Decoder, Encoder, PretrainingModel, encoder_of
from keras_bert_zoo.models.replaced_tokens import ReplacedTokenModel
from keras_bert_zoo.tokenizers import Tokenizer
from keras_bert_zoo.training.model_keys import decoder_values
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe


def make(recipe: PretrainRecipe, tokenizer: Tokenizer, shards: Shards) -> keras.Model:
    """A new model, or one that goes on from a checkpoint.

    Raises:
        ShardError: the checkpoint has another vocabulary than the shards.
        ConfigError: the sizes contradict each other, or the checkpoint reads a prefix.
    """
    if recipe.model is not None:
        return _published(recipe, shards)
    if recipe.decoder is not None:
        config = _decoder_config(recipe.decoder, tokenizer)
        return CausalLM(Decoder(config, **_options(recipe)))
    encoder = encoder_of(
        _encoder_config(recipe.encoder or {}, tokenizer),
        add_pooling_layer=_task(recipe) == "pretraining",
        **_options(recipe),
    )
    if recipe.generator is not None:
        return _with_generator(encoder, recipe)
    return PretrainingModel(encoder, next_sentence=_task(recipe) == "pretraining")


def kept(model: keras.Model) -> keras.Model:
    """What a run leaves: all but a generator."""
    return model.detector if isinstance(model, ReplacedTokenModel) else model


def _task(recipe: PretrainRecipe) -> str:
    if recipe.objective == "causal":
        return CausalLM.task
    if recipe.generator is not None:
        return "replaced_tokens"
    return "masked_lm" if recipe.sentences == "none" else "pretraining"


def _options(recipe: PretrainRecipe) -> dict[str, Any]:
    return {"packed": recipe.packed, "recompute": recipe.recompute, "dtype": recipe.dtype}


def _published(recipe: PretrainRecipe, shards: Shards) -> keras.Model:
    loaded = bundle.load(recipe.model or "", task=_task(recipe), **_options(recipe))
    if getattr(loaded.config, "prefix", False):
        raise ConfigError(
            f"model {recipe.model!r} is an encoder, or reads a prefix from both sides (prefix_lm), "
            "which rows of objective causal do not have. Take a decoder that reads from the left."
        )
    if loaded.tokenizer is not None:
        shards.check_vocabulary(loaded.tokenizer.words)
    if recipe.generator is not None:
        return _with_generator(loaded.model.encoder, recipe)
    return loaded.model


def _with_generator(encoder: Encoder, recipe: PretrainRecipe) -> keras.Model:
    config = encoder.config.replace(**(recipe.generator or {}))
    return ReplacedTokenModel(encoder, config, seed=recipe.seed)


def _encoder_config(stated: Mapping[str, Any], tokenizer: Tokenizer) -> EncoderConfig:
    config = EncoderConfig.from_dict({**_sizes(tokenizer), **stated})
    _check_words("encoder", config, tokenizer)
    return config


def _decoder_config(stated: Mapping[str, Any], tokenizer: Tokenizer) -> DecoderConfig:
    ids = {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    config = DecoderConfig.from_dict({**_sizes(tokenizer), **ids, **decoder_values(stated)})
    _check_words("decoder", config, tokenizer)
    return config


def _sizes(tokenizer: Tokenizer) -> dict[str, int]:
    return {
        "vocab_size": len(tokenizer.vocabulary),
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": 512,
    }


def _check_words(name: str, config: EncoderConfig, tokenizer: Tokenizer) -> None:
    if config.vocab_size < len(tokenizer.vocabulary):
        raise ConfigError(
            f"{name}: vocab_size {config.vocab_size} is less than the {len(tokenizer.vocabulary)} "
            "tokens of the shards. Leave it out, or give more, to pad the table to a round size."
        )
