"""Spaces of written texts inside a graph, as ``evaluation.spacing`` puts them. TensorFlow only.

Core operators alone. RE2 has no intersection of classes, and its words and spaces are ASCII's.
"""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.evaluation.extracts import WIDE
from keras_bert_zoo.evaluation.spacing import CLOSED

# What Python's `str.isspace` knows.
_SPACE = r"\pZ\t-\r\x1c-\x1f\x{85}"
# Wide characters are set apart from words by a code point that is no character.
_APART, _WIDE = "\ufdd0", f"([{WIDE}])"
_TOKEN = f"([{_SPACE}]*)(?:{_APART}([^{_APART}]){_APART}|([\\pL\\pN]+)|([^{_SPACE}{_APART}]))"
# Bytes that no text has: before a token's spaces, and before the token.
_BEGIN, _AFTER = b"\xff", b"\xfe"


def respaced(texts: tf.Tensor, sources: tf.Tensor) -> tf.Tensor:
    """``evaluation.spacing.respaced`` of each of some texts.

    Args:
        texts: strings ``(B,)``, joined of word pieces.
        sources: strings ``(B,)``, what they were written of.

    Returns:
        Strings ``(B,)``.
    """
    gaps, pairs, tokens = _cut(texts)
    # One more, for sources that have no pair: an empty string is none.
    known_gaps, known = (tf.pad(x, [[0, 0], [0, 1]], constant_values="") for x in _cut(sources)[:2])
    same = pairs[:, :, None] == known[:, None, :]
    # Of several the first, as `argmax` has it.
    copied = tf.gather(known_gaps, tf.argmax(same, axis=2), batch_dims=1)
    closed = tf.strings.regex_full_match(tokens[:, :-1] + tokens[:, 1:], f"(?s)(?:{CLOSED})")
    between = tf.where(tf.reduce_any(same, axis=2), copied, tf.where(closed, "", gaps))
    words = tf.concat([tokens[:, :1], between + tokens[:, 1:]], axis=1)
    return tf.strings.reduce_join(words, axis=1)


def _cut(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Gaps and pairs ``(B, T - 1)`` of tokens ``(B, T)``, filled up with empty strings."""
    marked = tf.strings.regex_replace(texts, f"[{_SPACE}]+$", "")
    marked = tf.strings.regex_replace(marked, _WIDE, f"{_APART}\\1{_APART}")
    marked = tf.strings.regex_replace(marked, _TOKEN, _BEGIN + rb"\1" + _AFTER + rb"\2\3\4")
    parts = tf.strings.split(marked, _BEGIN)[:, 1:]
    halves = tf.strings.split(parts.values, _AFTER).to_tensor(shape=[None, 2])
    spaces, tokens = (parts.with_values(halves[:, side]).to_tensor() for side in (0, 1))
    return spaces[:, 1:], tokens[:, :-1] + _BEGIN + tokens[:, 1:], tokens
