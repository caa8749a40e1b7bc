"""How an exported model writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.generation.checking import check_words
from keras_bert_zoo.generation.generate import end_of
from keras_bert_zoo.generation.options import GenerationOptions, options_from

from ..errors import ExportError


def options_of(model: Any, given: Mapping[str, Any]) -> GenerationOptions:
    """Reads options that a graph can hold.

    Args:
        model: that is to write.
        given: of ``GenerationOptions``.

    Raises:
        ExportError: they draw, or ask for more texts or tokens than there can be.
        TypeError: an option is unknown.
        ValueError: an option is out of range.
    """
    options = checked_generation(given)
    config = model.decoder.config
    if options.max_new_tokens >= config.max_tokens:
        raise ExportError(
            f"max_new_tokens must be below the {config.max_tokens} positions of the decoder, "
            f"received {options.max_new_tokens}."
        )
    try:
        check_words(options, end_of(model), config.vocab_size)
    except ValueError as error:
        raise ExportError(str(error)) from error
    return options


def checked_generation(given: Mapping[str, Any]) -> GenerationOptions:
    """Options that the graph of some model can hold.

    Raises:
        ExportError, TypeError, ValueError: as for ``options_of``, as far as no model is needed.
    """
    options = options_from(given)
    if options.do_sample or options.num_return_sequences > 1:
        raise ExportError(
            "An exported model writes one text for each row, the likeliest: leave do_sample and "
            "num_return_sequences out."
        )
    return options
