"""Ids back to text inside the graph. TensorFlow-only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers import decoding
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer


class WordPieceJoiner:
    """``WordPieceTokenizer.decode`` of rows, without special tokens.

    What a token becomes depends only on whether it is the first one: two tables hold both forms.

    Args:
        tokenizer: whose tokens these are.
        clean_up: see ``decode``; by default as in the tokenizer's options.
    """

    def __init__(self, tokenizer: WordPieceTokenizer, clean_up: bool | None = None) -> None:
        words, options = tokenizer.vocabulary, tokenizer.options
        self._first, self._later = (
            np.array([decoding.piece(word, is_first=first) for word in words], object)
            for first in (True, False)
        )
        self._skipped = np.array([word in options.skipped for word in words])
        self._clean_up = options.clean_up_tokenization_spaces if clean_up is None else clean_up

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Joins int32 ``(B, T)`` to strings ``(B,)``."""
        kept = tf.logical_not(tf.gather(tf.constant(self._skipped), ids))
        is_first = kept & (tf.cumsum(tf.cast(kept, tf.int32), axis=1) == 1)
        forms = (tf.gather(tf.constant(table), ids) for table in (self._first, self._later))
        pieces = tf.where(kept, tf.where(is_first, *forms), "")
        text = tf.strings.reduce_join(pieces, axis=1)
        for old, new in decoding.CLEAN_TEXT if self._clean_up else ():
            text = tf.strings.regex_replace(text, re.escape(old), new)
        return text


def joiner_of(tokenizer: Any, clean_up: bool | None = None) -> WordPieceJoiner:
    """What joins the tokens of a tokenizer in a graph.

    Raises:
        TokenizerError: of this kind there is none.
    """
    if not isinstance(tokenizer, WordPieceTokenizer):
        raise TokenizerError(
            f"Tokens of a {type(tokenizer).__name__} cannot be joined to text inside a graph, "
            "those of a WordPieceTokenizer can. Return ids, and decode them in Python."
        )
    return WordPieceJoiner(tokenizer, clean_up)
