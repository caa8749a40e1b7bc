"""Documents as rows of sentences inside the graph. TensorFlow only."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.padding import pad


def sentence_rows(
    sentences: tf.Tensor, tokenizer: Any, max_length: int
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Rows as ``data.sentence_rows`` makes them.

    Args:
        sentences: strings ``(B, K)``, K > 0; an empty one is none.
        tokenizer: a ``Tokenizer``.
        max_length: tokens of the longest row.

    Returns:
        The model's inputs, int32 ``(R, S)``, one row at least for each document; and row and
        token of the ``[CLS]`` before each of the N sentences, int64 ``(N, 2)``.
    """
    known = sentences != ""
    ids = tokenizer(tf.boolean_mask(sentences, known), add_special_tokens=False)["input_ids"]
    ids = ids[:, : max_length - 2]
    spells_cls = ids.flat_values == tokenizer.cls_token_id
    ids = ids.with_flat_values(tf.where(spells_cls, tokenizer.unk_token_id, ids.flat_values))
    first, last = (
        tf.fill([ids.nrows(), 1], token)
        for token in (tokenizer.cls_token_id, tokenizer.sep_token_id)
    )
    ids = tf.concat([first, ids, last], axis=1)
    lengths = ids.row_lengths()
    shape = tf.shape(sentences, tf.int64)
    row, number = _placed(tf.scatter_nd(tf.where(known), lengths, shape), max_length)
    counts = tf.maximum(row[:, -1] + 1, 1)
    row += tf.cumsum(counts, exclusive=True)[:, tf.newaxis]
    row, number = tf.boolean_mask(row, known), tf.boolean_mask(number, known)

    rows = tf.RaggedTensor.from_value_rowids(
        ids.flat_values, tf.repeat(row, lengths), tf.reduce_sum(counts)
    )
    segments = tf.cast(tf.repeat(number % 2, lengths), tf.int32)
    width = tf.reduce_max(tf.concat([rows.row_lengths(), [1]], axis=0))
    inputs = {
        "input_ids": pad(rows, width, tokenizer.pad_token_id),
        "attention_mask": pad(tf.ones_like(rows), width, 0),
        "token_type_ids": pad(rows.with_flat_values(segments), width, 0),
    }
    token = tf.cumsum(lengths, exclusive=True) - tf.gather(rows.row_starts(), row)
    return inputs, tf.stack([row, token], axis=1)


def _placed(sizes: tf.Tensor, max_length: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The row of each sentence in its document and its number there, ``(B, K)``, by its tokens."""
    none = tf.zeros_like(sizes[:, 0])
    whole_row = none + max_length

    def place(state: tuple[tf.Tensor, ...], size: tf.Tensor) -> tuple[tf.Tensor, ...]:
        row, number, room = state
        is_full = size > room
        row += tf.cast(is_full, row.dtype)
        number = tf.where(is_full, none, number + tf.cast(size > 0, number.dtype))
        return row, number, tf.where(is_full, whole_row, room) - size

    row, number, _ = tf.scan(place, tf.transpose(sizes), (none - 1, none, none))
    return tf.transpose(row), tf.transpose(number)
