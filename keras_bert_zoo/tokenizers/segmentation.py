"""What a segmenter makes of texts: the seam between tokenizers and their models.

TensorFlow-only, core ops only. A segmenter is a ``tf.Module`` that maps strings ``(B,)`` and
whether spans are wanted to ``Pieces``. All else about a tokenizer is the same for every model.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Pieces(NamedTuple):
    """Pieces of ``B`` texts.

    Attributes:
        ids: ``(B, None)`` int32.
        spans: ``(B, None, 2)`` int32 or ``None``: first character of each piece in the
            text, and one past its last.
        head_spans: the same of a piece that begins a row, where that makes a difference.
    """

    ids: tf.RaggedTensor
    spans: tf.RaggedTensor | None
    head_spans: tf.RaggedTensor | None = None


def rows(values: tf.Tensor, splits: tf.Tensor) -> tf.RaggedTensor:
    """Rows of ``values`` that are known to fit ``splits``."""
    return tf.RaggedTensor.from_row_splits(values, splits, validate=False)


def row_ids(splits: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """The row of each of ``size`` values, in memory that no long row multiplies."""
    ends = tf.scatter_nd(splits[1:, None], tf.ones_like(splits[1:]), [size + 1])
    return tf.cumsum(ends)[:-1]


def character_index(text: tf.Tensor, row: tf.Tensor, byte: tf.Tensor) -> tf.Tensor:
    """Index of the character of ``text[row]`` that its byte ``byte`` belongs to, int64."""
    _, starts = tf.strings.unicode_decode_with_offsets(text, "UTF-8")
    # Texts laid end to end make one ascending list of character starts.
    shift = tf.cumsum(int64(tf.strings.length(text)), exclusive=True)
    laid = starts.flat_values + tf.gather(shift, starts.value_rowids())
    found = tf.searchsorted(laid, tf.reshape(byte + tf.gather(shift, row), [-1]), "right")
    return tf.reshape(int64(found) - 1, tf.shape(byte)) - tf.gather(starts.row_starts(), row)


def int64(values: tf.Tensor) -> tf.Tensor:
    """The same as int64, the type of row splits."""
    return tf.cast(values, tf.int64)
