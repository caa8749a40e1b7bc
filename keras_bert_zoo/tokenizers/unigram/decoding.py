"""Tokens back to text, as Hugging Face's ``Metaspace`` decoder does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_bert_zoo.tokenizers.decoding import cleaned
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.unigram.pre_tokenizers import replacement_and_scheme


def join(tokens: Sequence[str], decoder: Mapping[str, Any] | None, clean_up: bool) -> str:
    """Joins tokens to a text.

    Args:
        tokens: of the vocabulary.
        decoder: the entry of ``tokenizer.json``.
        clean_up: also remove the spaces before punctuation.

    Raises:
        TokenizerError: it is another decoder.
    """
    if decoder is None or decoder.get("type") != "Metaspace":
        raise TokenizerError(
            f"the decoder {decoder and decoder.get('type')!r} is not supported; Metaspace is"
        )
    replacement, scheme = replacement_and_scheme(decoder)
    # Of the first token the mark is the space that encoding added.
    first = "" if scheme != "never" else " "
    spaced = [token.replace(replacement, " " if i else first) for i, token in enumerate(tokens)]
    text = "".join(spaced)
    return cleaned(text) if clean_up else text
