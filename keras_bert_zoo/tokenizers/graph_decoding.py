"""Ids back to text inside the graph. TensorFlow-only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers import decoding
from keras_bert_zoo.tokenizers.byte_bpe import ByteBpeTokenizer
from keras_bert_zoo.tokenizers.byte_bpe.alphabet import bytes_of


class TokenJoiner:
    """``decode`` of rows, without special tokens and those that the vocabulary lacks.

    What a token becomes depends only on whether it is the first one: two tables hold both forms.

    Args:
        tokenizer: whose tokens these are.
        clean_up: see ``decode``; by default as in the tokenizer's options.
    """

    def __init__(self, tokenizer: Any, clean_up: bool | None = None) -> None:
        words, options = tokenizer.vocabulary, tokenizer.options
        self._first, self._later = (
            np.array([_piece(tokenizer, word, before) for word in words], object)
            for before in ([], [""])
        )
        # All that are beyond the vocabulary become the last.
        self._skipped = np.array([*(word in options.skipped for word in words), True])
        clean_up = options.clean_up_tokenization_spaces if clean_up is None else clean_up
        # Byte-level tokens keep their spaces.
        self._clean_up = clean_up and not isinstance(tokenizer, ByteBpeTokenizer)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Joins int32 ``(B, T)`` to strings ``(B,)``."""
        count = len(self._first)
        kept = ~tf.gather(tf.constant(self._skipped), tf.minimum(ids, count))
        is_first = kept & (tf.cumsum(tf.cast(kept, tf.int32), axis=1) == 1)
        known = tf.minimum(ids, count - 1)
        forms = (tf.gather(tf.constant(table), known) for table in (self._first, self._later))
        pieces = tf.where(kept, tf.where(is_first, *forms), "")
        # Bytes that are no character become U+FFFD.
        text = tf.strings.unicode_transcode(tf.strings.reduce_join(pieces, axis=1), *["UTF-8"] * 2)
        for old, new in decoding.CLEAN_TEXT if self._clean_up else ():
            text = tf.strings.regex_replace(text, re.escape(old), new)
        return text


def _piece(tokenizer: Any, word: str, before: list[str]) -> bytes:
    """What a token adds to a text: of byte-level ones not always whole characters."""
    if isinstance(tokenizer, ByteBpeTokenizer):
        return bytes_of(word)
    return tokenizer.text_of([*before, word], clean_up=False).encode()
