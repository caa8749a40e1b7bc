"""What a model that reads from the left has to predict. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from keras_bert_zoo.config import IGNORED


def next_tokens(arrays: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """The token that follows at each place of a row.

    Every token of a text is one, and the ``[SEP]`` behind a document. A ``[SEP]`` that ends a row
    whose document goes on in another one is none, nor is a ``[CLS]``, which is given.

    Args:
        arrays: ``input_ids`` ``(B, S)``, ``lengths`` ``(B,)`` and, packed, ``documents``
            ``(B, S)``, see ``rows.Layout``; ``closes`` ``(B,)``, see ``rows.Rows``.

    Returns:
        Labels, int32 ``(B, S)``, ``IGNORED`` where there is none; and their weights, float32,
        0 there.
    """
    ids = arrays["input_ids"]
    last = arrays["lengths"] - 2 + tf.cast(arrays["closes"], tf.int32)
    counts = tf.range(ids.shape[1]) < last[:, None]
    if "documents" in arrays:
        documents = arrays["documents"]
        counts &= tf.equal(documents, tf.roll(documents, -1, axis=1))
    labels = tf.where(counts, tf.roll(ids, -1, axis=1), IGNORED)
    return labels, tf.cast(counts, tf.float32)
