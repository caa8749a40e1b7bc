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
from keras_bert_zoo.data.spelling import spelling_hint
from keras_bert_zoo.generator_config import Seq2SeqConfig
from keras_bert_zoo.models import encoder_decoder_of
from keras_bert_zoo.models.warm_start import ids_of
from keras_bert_zoo.tokenizers import load_tokenizer

_SIZES = (
    "d_model",
    *(
        f"{side}_{size}"
        for size in ("layers", "attention_heads", "ffn_dim")
        for side in ("encoder", "decoder")
    ),
    "max_position_embeddings",
)
# A switch, which a config holds where it is on.
_SCALES = "scale_embedding"


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
    missing = [name for name in _SIZES if name not in values]
    if missing:
        raise ConfigError(
            f"A new Transformer needs the keys {missing} too, received {list(values)}."
            f"{spelling_hint(values, _SIZES)}"
        )
    found = load_tokenizer(sources.resolve(zoo.resolve(tokenizer)))
    stated = {"vocab_size": found.vocab_size, **ids_of(found), **values}
    config = Seq2SeqConfig.from_dict(stated)
    known = {*config.to_dict(), _SCALES} - set(config.extra)
    if hint := spelling_hint(config.extra, known - set(values)):
        raise ConfigError(f"A new Transformer has no keys {sorted(config.extra)}.{hint}")
    check_tokenizer(found, config.decoder)
    return Bundle(encoder_decoder_of(config, dtype=dtype), found, config)
