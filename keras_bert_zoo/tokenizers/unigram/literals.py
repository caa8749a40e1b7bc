"""Added tokens written in a text. TensorFlow-only, core ops only."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram.characters import (
    LITERAL,
    Characters,
    covered,
    lower_bound,
    reachable,
    runs,
    spaces,
)
from keras_bert_zoo.tokenizers.unigram.pipeline import AddedToken
from keras_bert_zoo.tokenizers.unigram.trie import Trie


class Literals:
    """Finds tokens in each row; each becomes one character, in a row of its own.

    Args:
        tokens: at least one; of those with the same content the first counts.
    """

    def __init__(self, tokens: Sequence[AddedToken]) -> None:
        found = {token.content: token for token in reversed(tokens)}.values()
        self._trie = Trie([token.content for token in found])
        self._ids = tf.constant([token.id for token in found], tf.int32)
        self._strips = any(token.lstrip or token.rstrip for token in found)
        self._lstrip = tf.constant([token.lstrip for token in found])
        self._rstrip = tf.constant([token.rstrip for token in found])

    def __call__(self, chars: Characters) -> Characters:
        """Marks the tokens."""
        rows = runs(chars.row)
        first, key = self._trie(chars.points, tf.gather(rows.past, rows.number))
        first, past, key = leftmost_longest(first, tf.gather(self._trie.lengths, key), key)
        if self._strips:
            first, past = self._with_spaces(chars, first, past, key)
        point = tf.tensor_scatter_nd_update(
            chars.points, first[:, None], LITERAL + tf.gather(self._ids, key)
        )
        end = tf.tensor_scatter_nd_update(chars.end, first[:, None], tf.gather(chars.end, past - 1))
        border = tf.concat([first, past], axis=0)[:, None]
        is_border = tf.scatter_nd(border, tf.ones_like(border[:, 0]), [chars.size + 1])[:-1] > 0
        kept = ~covered(first + 1, past, chars.size)
        return chars._replace(points=point, end=end).cut(is_border).where(kept)

    def _with_spaces(
        self, chars: Characters, first: tf.Tensor, past: tf.Tensor, key: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Adds the white space around the tokens that strip it.

        Between two such tokens it is the left one's.
        """
        is_space = spaces(chars)
        parts = runs(chars.row, is_space)

        def other_end(ends: tf.Tensor, at: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
            """The other end of the white space at ``at``, ``-1`` where there is none."""
            inside = tf.clip_by_value(at, 0, tf.maximum(chars.size - 1, 0))
            ok = (at == inside) & tf.gather(is_space, inside)
            ok &= tf.gather(chars.row, inside) == tf.gather(chars.row, token)
            end = tf.gather(ends, tf.gather(parts.number, inside))
            return tf.where(ok, end, -tf.ones_like(end))

        right = tf.maximum(other_end(parts.past, past, first), past)
        past_stripped = tf.where(tf.gather(self._rstrip, key), right, past)
        left = other_end(parts.first, first - 1, first)
        left = tf.where((left >= 0) & tf.gather(self._lstrip, key), left, first)
        taken = tf.concat([tf.zeros_like(past[:1]), past_stripped[:-1]], axis=0)
        return tf.maximum(left, taken), past_stripped


def leftmost_longest(
    first: tf.Tensor, length: tf.Tensor, key: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Chooses matches from left to right, of those at one place the longest.

    Args:
        first: ``(M,)`` int64: where each match begins.
        length: ``(M,)`` int64.
        key: ``(M,)``: what matches.

    Returns:
        First characters, ends and keys of those chosen, in order.
    """
    span = 1 + tf.reduce_max(tf.concat([length, tf.zeros([1], tf.int64)], axis=0))
    order = tf.argsort(first * span - length)
    first, length, key = (tf.gather(each, order) for each in (first, length, key))
    chosen = runs(first).first
    first, length, key = (tf.gather(each, chosen) for each in (first, length, key))
    past = first + length
    # From each match to the next that begins after its end.
    end = tf.size(first, tf.int64)
    successor = tf.concat([lower_bound(first, past), [end]], axis=0)
    taken = reachable(successor, tf.range(end + 1) == 0)[:-1]
    return tuple(tf.boolean_mask(each, taken) for each in (first, past, key))
