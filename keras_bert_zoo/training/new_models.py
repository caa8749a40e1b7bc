"""Models that begin with random weights, beside those that ``bundle.load`` finds.

TensorFlow-only.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo import zoo
from keras_bert_zoo.bundle import Bundle
from keras_bert_zoo.bundle.tokenizer_files import check_tokenizer
from keras_bert_zoo.checkpoints import sources, writer_configs
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.generator_config import Seq2SeqConfig
from keras_bert_zoo.models import encoder_decoder_of
from keras_bert_zoo.models.warm_start import ids_of
from keras_bert_zoo.tokenizers import load_tokenizer


def new_transformer(
    values: Mapping[str, Any], tokenizer: str | pathlib.Path, *, dtype: Any = None
) -> Bundle:
    """A Transformer with random weights.

    Args:
        values: keys of ``config.json``: ``model_type``, ``"marian"`` (normalised behind each
            sublayer, as published) or ``"pegasus"`` (before it), and sizes; ``vocab_size`` and
            the ids of special tokens are the tokenizer's, unless they are stated.
        tokenizer: what ``load`` takes, with tokenizer files.
        dtype: dtype policy of the layers; the global one by default.

    Raises:
        ConfigError: the config cannot be built.
        FileNotFoundError: there are no tokenizer files.
    """
    kind = values.get("model_type")
    if kind not in writer_configs.TRANSFORMERS:
        raise ConfigError(
            "model_type of a new Transformer must be one of "
            f"{writer_configs.TRANSFORMERS}, received {kind!r}."
        )
    found = load_tokenizer(sources.resolve(zoo.resolve(tokenizer)))
    stated = {"vocab_size": found.vocab_size, **ids_of(found), **values}
    config = Seq2SeqConfig.from_dict(stated)
    check_tokenizer(found, config.decoder)
    return Bundle(encoder_decoder_of(config, dtype=dtype), found, config)
