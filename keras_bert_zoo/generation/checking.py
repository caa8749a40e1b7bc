"""What texts may be written of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.models import EncoderDecoder
from keras_bert_zoo.models.writer import Writer
from keras_bert_zoo.token_rows import PROMPT, checked_rows


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
    reader = model.encoder.config if isinstance(model, EncoderDecoder) else model.decoder.config
    arrays = checked_rows(inputs, reads, words=reader.vocab_size, longest=reader.max_tokens)
    ids, mask = (arrays[name] for name in PROMPT)
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
