"""The model that a pretraining recipe describes."""

from __future__ import annotations

import keras

from keras_bert_zoo import bundle
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.corpus.shards import Shards
from keras_bert_zoo.models import Encoder, PretrainingModel, encoder_of
from keras_bert_zoo.models.replaced_tokens import ReplacedTokenModel
from keras_bert_zoo.tokenizers import Tokenizer
from keras_bert_zoo.training.pretrain_recipe import PretrainRecipe


def make(recipe: PretrainRecipe, tokenizer: Tokenizer, shards: Shards) -> keras.Model:
    """A new model, or one that goes on from a checkpoint.

    Raises:
        ShardError: the checkpoint has another vocabulary than the shards.
        ConfigError: the sizes contradict each other.
    """
    if recipe.model is not None:
        return _published(recipe, shards)
    encoder = encoder_of(
        _config(recipe, tokenizer),
        add_pooling_layer=_task(recipe) == "pretraining",
        packed=recipe.packed,
        recompute=recipe.recompute,
        dtype=recipe.dtype,
    )
    if recipe.generator is not None:
        return _with_generator(encoder, recipe)
    return PretrainingModel(encoder, next_sentence=_task(recipe) == "pretraining")


def kept(model: keras.Model) -> keras.Model:
    """What a run leaves: all but a generator."""
    return model.detector if isinstance(model, ReplacedTokenModel) else model


def _task(recipe: PretrainRecipe) -> str:
    if recipe.generator is not None:
        return "replaced_tokens"
    return "masked_lm" if recipe.sentences == "none" else "pretraining"


def _published(recipe: PretrainRecipe, shards: Shards) -> keras.Model:
    loaded = bundle.load(
        recipe.model or "",
        task=_task(recipe),
        dtype=recipe.dtype,
        packed=recipe.packed,
        recompute=recipe.recompute,
    )
    if loaded.tokenizer is not None:
        shards.check_vocabulary(loaded.tokenizer.words)
    if recipe.generator is not None:
        return _with_generator(loaded.model.encoder, recipe)
    return loaded.model


def _with_generator(encoder: Encoder, recipe: PretrainRecipe) -> keras.Model:
    config = encoder.config.replace(**(recipe.generator or {}))
    return ReplacedTokenModel(encoder, config, seed=recipe.seed)


def _config(recipe: PretrainRecipe, tokenizer: Tokenizer) -> EncoderConfig:
    sizes = {
        "vocab_size": len(tokenizer.vocabulary),
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": 512,
    }
    config = EncoderConfig.from_dict({**sizes, **(recipe.encoder or {})})
    if config.vocab_size < len(tokenizer.vocabulary):
        raise ConfigError(
            f"encoder: vocab_size {config.vocab_size} is less than the {len(tokenizer.vocabulary)} "
            "tokens of the shards. Leave it out, or give more, to pad the table to a round size."
        )
    return config
