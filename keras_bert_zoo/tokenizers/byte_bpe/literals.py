"""Literal tokens in texts, such as ``<mask>``. TensorFlow-only, core ops only."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import tensorflow as tf

from keras_bert_zoo.tokenizers.byte_bpe.words import END, LITERAL, characters, is_literal, split
from keras_bert_zoo.tokenizers.segmentation import rows


class LiteralCutter:
    """Cuts texts before and after the literal tokens that they hold.

    Of several tokens that a text could hold at one place the longest counts.

    Args:
        flags: token to its flags, of which ``lstrip`` and ``rstrip`` count: white space
            before or after the token is part of it.
    """

    def __init__(self, flags: Mapping[str, Collection[str]]) -> None:
        # White space belongs to a token that is white space before it belongs to another.
        ordered = sorted(flags, key=lambda token: (not token[0].isspace(), -len(token)))
        self._pattern = "|".join(_pattern(token, flags[token]) for token in ordered)

    def __call__(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """Cuts pieces of text, not those that are literal tokens already.

        Args:
            pieces: strings ``(B, None)``.

        Returns:
            Strings ``(B, None)``: texts, maybe empty, and tokens marked with ``LITERAL``.
        """
        flat = pieces.flat_values
        marked = tf.strings.regex_replace(flat, self._pattern, END + LITERAL + rb"\0" + END)
        cut = split(tf.where(is_literal(flat), flat, marked))
        return rows(cut.flat_values, tf.gather(cut.row_splits, pieces.row_splits))


def stripped(pieces: tf.Tensor) -> tf.Tensor:
    """Literal tokens without the white space that they took."""
    space = characters("spaces")
    return tf.strings.regex_replace(pieces, f"^[{space}]+|[{space}]+$", "")


def _pattern(token: str, flags: Collection[str]) -> str:
    space = f"[{characters('spaces')}]*"
    before, after = (space if flag in flags else "" for flag in ("lstrip", "rstrip"))
    return f"{before}{re.escape(token)}{after}"
