"""What texts may be written of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.models import EncoderDecoder
from keras_bert_zoo.models.writer import Writer

PROMPT = ("input_ids", "attention_mask")


def checked(model: Writer, inputs: Mapping[str, Any], options: GenerationOptions) -> dict[str, Any]:
    """The inputs as int32 arrays ``(B, P)``.

    Args:
        model: what is to write.
        inputs: see ``generate``.
        options: how.

    Raises:
        TypeError, ValueError: see there.
    """
    reads = model.encoder.input if isinstance(model, EncoderDecoder) else dict.fromkeys(PROMPT)
    if not isinstance(inputs, Mapping):
        raise TypeError(f"inputs must be a dict with the keys {sorted(reads)}: {type(inputs)}.")
    missing = sorted(reads.keys() - inputs.keys())
    if missing:
        raise ValueError(
            f"inputs must have the keys {sorted(reads)}, as a tokenizer makes them: {missing} are "
            "missing."
        )
    arrays = {name: np.asarray(inputs[name], "int32") for name in reads}
    ids, mask = (arrays[name] for name in PROMPT)
    if ids.ndim != 2 or not ids.size or ids.shape != mask.shape:
        raise ValueError(
            "input_ids and attention_mask must be the same shape, of at least one row and one "
            f"token; received {ids.shape} and {mask.shape}."
        )
    empty = np.flatnonzero(mask.sum(axis=1) == 0)
    if len(empty):
        raise ValueError(f"Row {empty[0]} of input_ids is empty: attention_mask is 0 everywhere.")
    reader = model.encoder.config if isinstance(model, EncoderDecoder) else model.decoder.config
    if ids.min() < 0 or ids.max() >= reader.vocab_size:
        raise ValueError(
            f"input_ids must be from 0 to {reader.vocab_size - 1}, received "
            f"{ids.min()} to {ids.max()}. Use the model's own tokenizer."
        )
    if ids.shape[1] > reader.max_tokens:
        raise ValueError(
            f"input_ids have {ids.shape[1]} tokens a row, but positions end at "
            f"{reader.max_tokens}. Shorten the texts (max_length of the tokenizer)."
        )
    _check_room(model, ids, mask, options)
    return arrays


def _check_room(model: Writer, ids: Any, mask: Any, options: GenerationOptions) -> None:
    begun = 1
    if not isinstance(model, EncoderDecoder):
        if (np.diff(mask, axis=1) > 0).any():
            raise ValueError("Padding must be behind the tokens: attention_mask rises in a row.")
        begun = ids.shape[1]
    most = model.decoder.config.max_tokens
    if options.max_new_tokens > most - begun:
        raise ValueError(
            f"max_new_tokens may be at most {most - begun}, received {options.max_new_tokens}: the "
            f"decoder has {most} positions, and {begun} of them are taken. Ask for fewer, or begin "
            "with less."
        )


def check_words(options: GenerationOptions, end: int, most: int) -> None:
    """Refuses options that a vocabulary of ``most`` words has not enough of.

    Raises:
        ValueError: see ``generate``.
    """
    if options.num_beams > most:
        raise ValueError(
            f"num_beams may be at most the {most} words of the vocabulary, received "
            f"{options.num_beams}."
        )
    unknown = [token for token in (end, *options.suppress_tokens) if not 0 <= token < most]
    if unknown:
        raise ValueError(
            f"eos_token_id and suppress_tokens must be from 0 to {most - 1}, received {unknown}."
        )
    if len(set(options.suppress_tokens)) == most:
        raise ValueError("suppress_tokens leaves no word of the vocabulary to be written.")
