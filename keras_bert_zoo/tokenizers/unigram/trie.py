"""Which of many texts begin at each character. TensorFlow-only, core ops only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram.characters import LITERAL, find
from keras_bert_zoo.tokenizers.unigram.point_table import PointTable


class Trie:
    """A prefix tree as one ascending list of its edges.

    An edge is a node's number times the size of the alphabet plus the character; that it
    leads to the node numbered one more than its place in the list needs no storage.

    Args:
        keys: different texts, none empty, at least one.

    Attributes:
        longest: characters in the longest key.
        lengths: ``(K,)`` int64: characters in each key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        lengths = np.array([len(key) for key in keys], np.int64)
        points = np.frombuffer("".join(keys).encode("utf-32-le"), np.uint32)
        alphabet, classes = np.unique(points, return_inverse=True)
        table = np.zeros(LITERAL, np.int32)
        table[alphabet] = 1 + np.arange(len(alphabet))
        edges, ends = _edges(1 + classes.astype(np.int64), lengths, 1 + len(alphabet))
        self.longest = int(lengths.max())
        self.lengths = tf.constant(lengths)
        self._class = PointTable(table)
        self._alphabet = tf.constant(1 + len(alphabet), tf.int64)
        self._edges, self._ends = tf.constant(edges), tf.constant(ends)

    def __call__(self, points: tf.Tensor, past: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Finds the keys that begin at each character, all of them.

        Args:
            points: ``(N,)`` int32 code points.
            past: ``(N,)`` int64: where the string of each character ends.

        Returns:
            First characters ``(M,)`` int64 and keys ``(M,)`` int32, shorter keys first.
        """
        classes = tf.cast(self._class(points), tf.int64)
        arrays = [
            tf.TensorArray(dtype, 1, dynamic_size=True, infer_shape=False, element_shape=[None])
            for dtype in (tf.int64, tf.int32)
        ]

        def descend(depth, at, node, firsts, keys):  # type: ignore[no-untyped-def]
            step = node * self._alphabet + tf.gather(classes, at + depth)
            edge, exists = find(self._edges, step)
            at, node = tf.boolean_mask(at, exists), tf.boolean_mask(edge, exists) + 1
            key = tf.gather(self._ends, node)
            index = tf.cast(depth, tf.int32)
            firsts = firsts.write(index, tf.boolean_mask(at, key >= 0))
            keys = keys.write(index, tf.boolean_mask(key, key >= 0))
            goes_on = at + depth + 1 < tf.gather(past, at)
            at, node = tf.boolean_mask(at, goes_on), tf.boolean_mask(node, goes_on)
            return depth + 1, at, node, firsts, keys

        at = tf.range(tf.size(points, tf.int64))
        start = (tf.constant(0, tf.int64), at, tf.zeros_like(at), *arrays)
        *_, firsts, keys = tf.while_loop(
            lambda depth, at, *_: (depth == 0) | (tf.size(at) > 0),
            descend,
            start,
            shape_invariants=tuple(tf.TensorShape(s) for s in ([], [None], [None], [], [])),
        )
        return firsts.concat(), keys.concat()


def _edges(
    classes: np.ndarray, lengths: np.ndarray, alphabet: int
) -> tuple[np.ndarray, np.ndarray]:
    """Builds the tree one depth at a time.

    Returns:
        The edges, and the key that ends at each node, or -1.
    """
    starts = np.cumsum(lengths) - lengths
    node = np.zeros(len(lengths), np.int64)
    edges: list[np.ndarray] = []
    nodes = 1
    for depth in range(lengths.max()):
        longer = np.flatnonzero(lengths > depth)
        steps = node[longer] * alphabet + classes[starts[longer] + depth]
        new, index = np.unique(steps, return_inverse=True)
        edges.append(new)
        node[longer] = nodes + index
        nodes += len(new)
    ends = np.full(nodes, -1, np.int32)
    ends[node] = np.arange(len(lengths))
    return np.concatenate(edges), ends
