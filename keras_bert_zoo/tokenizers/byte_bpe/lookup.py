"""Ids of strings, without a table that a graph would have to initialise. Core ops only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

_HASHES = 2**62


class Lookup(tf.Module):
    """Finds strings by their hashes, and compares them.

    Args:
        ids: string to id; at least one.
    """

    def __init__(self, ids: Mapping[bytes, int]) -> None:
        super().__init__()
        strings = tf.constant(list(ids), tf.string)
        hashes = self._hash(strings).numpy()
        order = np.argsort(hashes)
        self._hashes = tf.constant(hashes[order])
        self._strings = tf.gather(strings, order)
        self._ids = tf.constant(np.array(list(ids.values()), np.int32)[order])

    def __call__(self, strings: tf.Tensor) -> tf.Tensor:
        """Ids ``(S,)`` int32 of strings ``(S,)``, -1 of those there are none of."""
        found = tf.searchsorted(self._hashes, self._hash(strings))
        at = tf.minimum(found, tf.size(self._hashes) - 1)
        return tf.where(tf.gather(self._strings, at) == strings, tf.gather(self._ids, at), -1)

    @staticmethod
    def _hash(strings: tf.Tensor) -> tf.Tensor:
        return tf.strings.to_hash_bucket_fast(strings, _HASHES)
