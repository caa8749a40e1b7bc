"""Bytes that are no text. TensorFlow-only, core ops only."""

from __future__ import annotations

import tensorflow as tf

# RE2 takes any range that goes on to the last character for anything at all, the encoded
# halves of surrogate pairs among it. A class without these is read to the letter.
SURROGATES = r"\x{D800}-\x{DFFF}"
_TEXT = rf"[^{SURROGATES}]*"


def repaired(text: tf.Tensor) -> tf.Tensor:
    """Replaces invalid bytes by U+FFFD, as ``bytes.decode(errors="replace")`` does.

    Args:
        text: strings ``(B,)``, any bytes.
    """
    valid = tf.reduce_all(tf.strings.regex_full_match(text, _TEXT))
    return tf.cond(valid, lambda: text, lambda: replaced(text))


def replaced(text: tf.Tensor) -> tf.Tensor:
    """The same without a look whether there is anything to replace."""
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")
