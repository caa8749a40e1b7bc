"""What a recipe says of a new model: keys of its ``config.json``; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import family

# What makes an encoder; what else a file may hold makes no difference.
ENCODER_KEYS = {field.name for field in dataclasses.fields(EncoderConfig)} - {"extra"}
# What the config of a decoder says by its type.
_DECODERS: Mapping[str, Mapping[str, Any]] = {"gpt2": {}, "bert": {"is_decoder": True}}
_DECODER_IDS = ("bos_token_id", "eos_token_id")


def decoder_values(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What a recipe states of a decoder, GPT-2 by default, with what follows from its type."""
    values = {"model_type": "gpt2", **stated}
    return {**_DECODERS.get(str(values["model_type"]), {}), **values}


def decoder_problems(stated: Mapping[str, Any] | None) -> list[str]:
    """Complaints about what a recipe states of a decoder."""
    if stated is None:
        return []
    kind = decoder_values(stated)["model_type"]
    if str(kind) not in _DECODERS:
        return [f"model_type of decoder must be one of {[*_DECODERS]}, received {kind!r}"]
    row = family(kind)
    own = {field.name for field in dataclasses.fields(row.choices)}
    known = {*ENCODER_KEYS, *row.keys, *own, *_DECODERS[kind], *_DECODER_IDS}
    return unknown_keys("decoder", stated, known)


def unknown_keys(name: str, given: Iterable[str], known: set[str]) -> list[str]:
    """A complaint for each key that no such model has, with the near one."""
    problems = []
    for key in sorted(set(given) - known):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {sorted(known)}"
        problems.append(f"{name} has no key {key!r}: {hint}")
    return problems
