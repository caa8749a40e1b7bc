"""Grapheme clusters: characters that a reader sees as one. TensorFlow-only, core ops only.

The rules of Unicode Standard Annex 29, section 3.1.1, on code points. Pairs of regional
indicators (GB12, GB13) are left out: nobody but the character map asks for clusters, and
only for those of fewer than six bytes.
"""

from __future__ import annotations

import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram import tables
from keras_bert_zoo.tokenizers.unigram.characters import Characters, Runs, runs
from keras_bert_zoo.tokenizers.unigram.point_table import PointTable

# Two neighbours join when the left one's and the right one's bits have one in common:
# GB9 and GB9a, GB9b, GB6, GB7, GB8.
MARKED, PREPENDED, LEADING, VOWEL, TRAILING = 1, 2, 4, 8, 16
# What GB11 and GB9c look back for.
PICTOGRAPH, EXTENDER, CONSONANT, LINKER, BETWEEN = 1, 2, 4, 8, 16
_CARRIAGE_RETURN, _LINE_FEED, _JOINER = 0x0D, 0x0A, 0x200D


class Graphemes:
    """Finds the clusters of each row."""

    def __init__(self) -> None:
        self._left = PointTable(tables.numbers("left"))
        self._right = PointTable(tables.numbers("right"))
        self._context = PointTable(tables.numbers("context"))

    def __call__(self, chars: Characters) -> Runs:
        """The clusters of ``chars``."""
        points = chars.points
        pairs = tf.bitwise.bitwise_and(self._left(points)[:-1], self._right(points)[1:]) > 0
        pairs |= (points[:-1] == _CARRIAGE_RETURN) & (points[1:] == _LINE_FEED)
        first = tf.zeros_like(points[:1], tf.bool)
        joins = tf.concat([first, pairs], axis=0) | self._joins_in_context(chars)
        return runs(chars.cut(~joins).row)

    def _joins_in_context(self, chars: Characters) -> tf.Tensor:
        """Which characters join what is before them by rules that look further back."""
        context = self._context(chars.points)

        def has(bit: int) -> tf.Tensor:
            return tf.bitwise.bitwise_and(context, tf.constant(bit, context.dtype)) > 0

        here = tf.range(chars.size)
        # GB11: a pictograph, extenders, a joiner, a pictograph.
        joiner, head = here - 1, _before(chars, has(EXTENDER), here - 2)
        pictures = has(PICTOGRAPH) & _holds(has(PICTOGRAPH), head, chars)
        pictures &= _holds(chars.points == _JOINER, joiner, chars)
        # GB9c: a consonant, marks with a linker among them, a consonant.
        head = _before(chars, has(BETWEEN), here - 1)
        linkers = tf.cumsum(tf.cast(has(LINKER), tf.int32))
        linked = tf.gather(linkers, tf.maximum(here - 1, 0)) > tf.gather(
            linkers, tf.maximum(head, 0)
        )
        consonants = has(CONSONANT) & _holds(has(CONSONANT), head, chars) & linked
        return pictures | consonants


def _before(chars: Characters, skipped: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """Goes back from ``at`` over characters to skip; may leave the row."""
    parts = runs(chars.row, skipped)
    at = tf.maximum(at, 0)
    start = tf.gather(parts.first, tf.gather(parts.number, at))
    return tf.where(tf.gather(skipped, at), start - 1, at)


def _holds(flags: tf.Tensor, at: tf.Tensor, chars: Characters) -> tf.Tensor:
    """Whether ``flags`` hold for the character ``at``, and it is in the same row."""
    inside = tf.maximum(at, 0)
    same = (at >= 0) & (tf.gather(chars.row, inside) == chars.row)
    return same & tf.gather(flags, inside)
