"""What the ``config.json`` of a model that writes says. Loads no Keras."""

from __future__ import annotations

import pathlib
from typing import Any

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.families import family
from keras_bert_zoo.foreign import read_json
from keras_bert_zoo.generator_config import NESTED, DecoderConfig, Seq2SeqConfig

CONFIG, GENERATION = "config.json", "generation_config.json"
_IDS = ("decoder_start_token_id", "eos_token_id", "pad_token_id")
# Of which one config describes both sides.
TRANSFORMERS = ("marian", "pegasus")
_TWO_SIDED = (NESTED, *TRANSFORMERS)


def holds(directory: pathlib.Path) -> bool:
    """Whether a directory has the config of a model that writes."""
    if not (directory / CONFIG).is_file():
        return False
    values = read_json(directory / CONFIG, ConfigError)
    kind = values.get("model_type")
    writes = family(kind).writes or bool(values.get("is_decoder"))
    return kind in _TWO_SIDED or writes


def task_of(config: DecoderConfig | Seq2SeqConfig) -> str:
    """What a model of that config is for."""
    return "seq2seq" if isinstance(config, Seq2SeqConfig) else "causal_lm"


def read_config(directory: pathlib.Path) -> DecoderConfig | Seq2SeqConfig:
    """Reads ``config.json``; ids that it leaves open may be in ``generation_config.json``.

    Raises:
        ConfigError: it is damaged.
    """
    values = read_json(directory / CONFIG, ConfigError)
    if (directory / GENERATION).is_file():
        said = read_json(directory / GENERATION, ConfigError)
        given = {name: said[name] for name in _IDS if said.get(name) is not None}
        values = {**given, **{key: x for key, x in values.items() if x is not None}}
    kind: Any = Seq2SeqConfig if values.get("model_type") in _TWO_SIDED else DecoderConfig
    try:
        return kind.from_dict(values)
    except ConfigError as error:
        raise ConfigError(f"{directory / CONFIG}: {error}") from error
