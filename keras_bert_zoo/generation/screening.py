"""The likeliest of many words, most of which are never scored. TensorFlow-only.

In a step of a small model, or of one with many words, nothing reads as much memory as the product
with the table of words. Here that product is one of whole numbers of 8 bits, and says between which
bounds the score of each word lies: ``|w h - w' h'| <= |w| |h - h'| + |w - w'| |h'|`` (Cauchy and
Schwarz), where ``w'`` and ``h'`` are what rounding leaves. Only words whose upper bound reaches the
highest lower one are scored in full. So the word that is found is that of the whole product, which
is computed where too many may be the best.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from keras_bert_zoo.generation.highest import highest
from keras_bert_zoo.layers.masked_lm import MaskedLMHead, scores_of_few

# Blocks of words that are scored in full, for each row.
BLOCKS, SIZE = 16, 8
LEVELS = 127.0
# By how much of |w| |h| sums of float32 may differ with the order of what is added.
ROUNDING = 1e-5
LOWEST = float("-inf")


class Screen:
    """The words of a head, rounded.

    Args:
        head: whose words are scored.
    """

    def __init__(self, head: MaskedLMHead) -> None:
        self.table, self.bias = tf.convert_to_tensor(head.words), head.bias
        self.whole, self.scale, lost = _rounded(self.table)
        self.norm, self.lost = _norm(self.table), _norm(lost)

    def likeliest(self, states: Any, banned: Any) -> Any:
        """The word with the highest score, of equal ones the first.

        Args:
            states: what the table is multiplied by, float32 ``(R, H)``.
            banned: added to scores, float32 ``(R, V)`` or ``(1, V)``, or ``None``.

        Returns:
            int32 ``(R,)``.
        """
        rows, words = states.shape[0], self.table.shape[0]
        lower, upper = self._bounds(states, banned)
        room = [[0, -words % SIZE], [0, 0]]
        blocks = tf.reshape(tf.pad(upper, room, constant_values=LOWEST), (-1, SIZE, rows))
        best = tf.transpose(tf.reduce_max(blocks, axis=1))
        chosen, rest = _first(best, BLOCKS)
        sure = tf.reduce_all(rest < tf.reduce_max(lower, axis=0))
        places = tf.reshape(chosen[..., None] * SIZE + tf.range(SIZE), (rows, -1))
        places = tf.minimum(places, words - 1)
        return tf.cond(
            sure,
            lambda: self._best_of(places, states, banned),
            lambda: self._best(states, banned),
        )

    def _bounds(self, states: Any, banned: Any) -> tuple[Any, Any]:
        """Between which numbers scores lie, two of ``(V, R)``."""
        # Twice 8 bits: what the first leave is rounded in turn.
        high, scale, rest = _rounded(states)
        low, fine, lost = _rounded(rest)
        both = tf.concat([high, low], axis=0)
        product = tf.matmul(self.whole, both, transpose_b=True, output_type=tf.int32)
        of_high, of_low = tf.split(tf.cast(product, tf.float32), 2, axis=1)
        about = (of_high * tf.transpose(scale) + of_low * tf.transpose(fine)) * self.scale
        about = about if self.bias is None else about + self.bias[:, None]
        about = about if banned is None else about + tf.transpose(banned)
        norm, lost = tf.transpose(_norm(states)), tf.transpose(_norm(lost))
        error = self.norm * (lost + ROUNDING * norm) + self.lost * (norm + lost)
        return about - error, about + error

    def _best_of(self, places: Any, states: Any, banned: Any) -> Any:
        """The likeliest of some words of each row, int32 ``(R, N)``."""
        scores = tf.matmul(tf.gather(self.table, places), states[..., None])[..., 0]
        if self.bias is not None:
            scores += tf.gather(self.bias, places)
        if banned is not None:
            banned = tf.broadcast_to(banned, (states.shape[0], self.table.shape[0]))
            scores += tf.gather(banned, places, batch_dims=1)
        top = tf.reduce_max(scores, axis=-1, keepdims=True)
        return tf.reduce_min(tf.where(scores >= top, places, self.table.shape[0]), axis=-1)

    def _best(self, states: Any, banned: Any) -> Any:
        scores = scores_of_few(states, self.table, self.bias)
        return highest(scores if banned is None else scores + banned, 1)[1][:, 0]


def _rounded(x: Any) -> tuple[Any, Any, Any]:
    """Rows ``(R, H)`` in int8, the scale of each, ``(R, 1)``, and what rounding took away."""
    scale = tf.maximum(tf.reduce_max(tf.abs(x), axis=-1, keepdims=True), 1e-30) / LEVELS
    whole = tf.round(x / scale)
    return tf.cast(whole, tf.int8), scale, x - whole * scale


def _norm(x: Any) -> Any:
    """Of rows ``(R, H)``, ``(R, 1)``; as a product, which XLA computes faster than a sum."""
    return tf.sqrt(tf.matmul(x * x, tf.ones((x.shape[-1], 1))))


def _first(scores: Any, count: int) -> tuple[Any, Any]:
    """The places of the ``count`` highest of ``(R, N)``, and the highest of the rest, ``(R,)``.

    One after the other: compilers sort all for ``top_k``.
    """
    places, chosen = tf.range(scores.shape[1]), []
    for _ in range(count):
        chosen.append(tf.argmax(scores, axis=-1, output_type=tf.int32))
        scores = tf.where(places == chosen[-1][:, None], LOWEST, scores)
    return tf.stack(chosen, axis=1), tf.reduce_max(scores, axis=-1)
