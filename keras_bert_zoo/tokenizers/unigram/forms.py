"""Unicode's normalisation forms, aligned as the reference aligns them. TensorFlow-only.

Unicode Standard, section 3.11: decompose, order combining marks by their class, compose.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram import tables
from keras_bert_zoo.tokenizers.unigram.characters import Characters, find, realigned, runs
from keras_bert_zoo.tokenizers.unigram.point_table import PointTable
from keras_bert_zoo.tokenizers.unigram.replacements import Replacements

# A pair of code points as one number.
_PAIR = 1 << 21


class _Marked(NamedTuple):
    """Characters on their way to a form: ``(M,)`` each.

    Attributes:
        points: code points.
        index: a character of the same row before normalisation.
        change: what ``realigned`` is told.
        order: rank of the combining class; 0 for a starter.
        tried: whether the starter before has met this character, and does not compose with it.
    """

    points: tf.Tensor
    index: tf.Tensor
    change: tf.Tensor
    order: tf.Tensor
    tried: tf.Tensor


class Form:
    """``NFC``, ``NFD``, ``NFKC`` or ``NFKD``.

    Args:
        name: of the form.
    """

    def __init__(self, name: str) -> None:
        self._decompose = Replacements(tables.replacements("nfkd" if "K" in name else "nfd"))
        self._order = PointTable(tables.numbers("order"))
        self._pairs = None
        if name.endswith("C"):
            pairs = tables.compositions()
            keys = np.array([first * _PAIR + second for first, second in pairs], np.int64)
            order = np.argsort(keys)
            self._pairs = tf.constant(keys[order])
            self._composed = tf.constant(np.array(list(pairs.values()), np.int32)[order])

    def __call__(self, chars: Characters) -> Characters:
        """Normalises each row."""
        new = self._decompose.expand(chars.points)
        # Of a decomposition the first character replaces, the others are added.
        change = tf.cast(new.nth > 0, tf.int64)
        order = tf.cast(self._order(new.points), tf.int64)
        tried = tf.zeros_like(order, tf.bool)
        marked = _Marked(new.points, new.index, change, order, tried)
        marked = _ordered(marked, chars)
        if self._pairs is not None:
            marked = self._compose(marked, chars)
        return realigned(chars, marked.index, marked.points, marked.change)

    def _compose(self, marked: _Marked, chars: Characters) -> _Marked:
        """Composes starters with what follows them, each with one character a round."""

        def go_on(compose: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return compose

        def compose(_: tf.Tensor, *fields: tf.Tensor) -> tuple[tf.Tensor, ...]:
            marked, found = self._round(_Marked(*fields), chars)
            return found, *marked

        shapes = [tf.TensorShape([])] + [tf.TensorShape([None])] * len(marked)
        _, *fields = tf.while_loop(
            go_on, compose, [tf.constant(True), *marked], shape_invariants=shapes
        )
        return _Marked(*fields)

    def _round(self, marked: _Marked, chars: Characters) -> tuple[_Marked, tf.Tensor]:
        size = tf.size(marked.points, tf.int64)
        here = tf.range(size)
        before = tf.maximum(here - 1, 0)
        row = tf.gather(chars.row, marked.index)
        in_row = (here > 0) & (tf.gather(row, before) == row)
        is_starter = marked.order == 0
        # The starter before each character; a starter's own is the one before it.
        groups = runs(tf.cumsum(tf.cast(is_starter | ~in_row, tf.int64)))
        group = tf.gather(groups.number, tf.where(is_starter, before, here))
        starter = tf.gather(groups.first, group)
        free = in_row & ((starter == before) | (tf.gather(marked.order, before) < marked.order))
        free &= tf.gather(is_starter, starter) & ~marked.tried & (starter < here)
        pair = tf.cast(tf.gather(marked.points, starter), tf.int64) * _PAIR
        place, exists = find(self._pairs, pair + tf.cast(marked.points, tf.int64))
        exists &= free
        # A starter that may vanish waits; of several characters the first is the one.
        exists &= ~tf.gather(is_starter & exists, starter)
        nearest = tf.math.unsorted_segment_min(tf.where(exists, here, size), starter, size)
        last = tf.boolean_mask(here, exists & (tf.gather(nearest, starter) == here))
        first = tf.gather(starter, last)[:, None]
        points = tf.tensor_scatter_nd_update(
            marked.points, first, tf.gather(self._composed, tf.gather(place, last))
        )
        change = tf.tensor_scatter_nd_add(marked.change, first, tf.gather(marked.change, last) - 1)
        met = tf.gather(nearest, starter)
        tried = marked.tried | (here < met) & (met < size)
        new = marked._replace(points=points, change=change, tried=tried)
        keep = tf.scatter_nd(last[:, None], tf.ones_like(last), [size]) == 0
        return _Marked(*(tf.boolean_mask(field, keep) for field in new)), tf.size(last) > 0


def _ordered(marked: _Marked, chars: Characters) -> _Marked:
    """Sorts the marks after each starter by their class, those of one class left as they are."""
    row = tf.gather(chars.row, marked.index)
    starters = tf.cumsum(tf.cast(marked.order == 0, tf.int64))
    # Ascending but for marks: a stable sort moves nothing else.
    key = (row + starters) * 256 + marked.order
    order = tf.cond(
        tf.reduce_all(key[1:] >= key[:-1]),
        lambda: tf.range(tf.size(key)),
        lambda: tf.argsort(key, stable=True),
    )
    return _Marked(*(tf.gather(field, order) for field in marked))
