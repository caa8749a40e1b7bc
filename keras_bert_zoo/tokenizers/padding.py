"""Ragged rows to rectangles. TensorFlow-only."""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.tokenizers.packing import PackingOptions


def padded_length(rows: tf.RaggedTensor, options: PackingOptions) -> int | tf.Tensor:
    """How long every row becomes: a number where it is fixed, else the longest row.

    Raises:
        tf.errors.InvalidArgumentError: a row is longer than the fixed length.
    """
    multiple = options.pad_to_multiple_of or 1
    longest = tf.reduce_max(tf.concat([rows.row_lengths(), [0]], axis=0))
    if options.padding_to == "longest":
        return -(-longest // multiple) * multiple
    fixed = -(-options.max_length // multiple) * multiple
    tf.debugging.assert_less_equal(
        longest,
        tf.constant(fixed, tf.int64),
        f"padding='max_length': a text has more than {fixed} tokens; truncate it "
        "(truncation=True) or choose a larger max_length",
    )
    return fixed


def pad(rows: tf.RaggedTensor, length: int | tf.Tensor, value: int) -> tf.Tensor:
    """Fills ``(R, None, ...)`` to ``(R, length, ...)`` with ``value``."""
    shape = [-1, length, *rows.shape[2:]]
    # A length that the graph computes has to come as part of a tensor.
    sizes = tf.stack([tf.cast(size, tf.int64) for size in shape])
    filled = rows.to_tensor(default_value=value, shape=sizes)
    static = length if isinstance(length, int) else None
    return tf.ensure_shape(filled, [rows.shape[0], static, *rows.shape[2:]])
