"""Characters of many texts laid end to end, with where each comes from. TensorFlow-only.

What the reference keeps for one string at a time (``NormalizedString`` of Hugging Face's
``tokenizers``), for a whole batch: every step of normalisation takes ``Characters`` and
returns others, and each still knows the characters of the text that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

# Beyond Unicode: the added token with the id ``i``, found in a text, is ``LITERAL + i``.
LITERAL = 0x110000
_SPACES = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)


class Characters(NamedTuple):
    """``N`` characters of ``B`` texts.

    Attributes:
        points: ``(N,)`` int32 code points, or added tokens from ``LITERAL`` on.
        row: ``(N,)`` int64, ascending: characters with the same row are one string.
        text: ``(N,)`` int64, ascending: of which text.
        begin: ``(N,)`` int32: the first character of the text that this one stands for.
        end: ``(N,)`` int32: one past the last.
    """

    points: tf.Tensor
    row: tf.Tensor
    text: tf.Tensor
    begin: tf.Tensor
    end: tf.Tensor

    def at(self, index: tf.Tensor) -> Characters:
        """The characters with these indices."""
        return Characters(*(tf.gather(field, index) for field in self))

    def where(self, mask: tf.Tensor) -> Characters:
        """The characters for which ``(N,)`` booleans hold."""
        return self.at(tf.reshape(tf.where(mask), [-1]))

    def cut(self, before: tf.Tensor) -> Characters:
        """Begins a new row before the characters for which ``(N,)`` booleans hold."""
        return self._replace(row=self.row + tf.cumsum(tf.cast(before, tf.int64)))

    @property
    def size(self) -> tf.Tensor:
        """``N``, int64."""
        return tf.size(self.points, tf.int64)


class Runs(NamedTuple):
    """Parts of a list, in order.

    Attributes:
        number: ``(N,)`` int64: which run an item is in.
        splits: ``(R + 1,)`` int64: where each run begins, and the end.
    """

    number: tf.Tensor
    splits: tf.Tensor

    @property
    def first(self) -> tf.Tensor:
        """``(R,)``: the first item of each run."""
        return self.splits[:-1]

    @property
    def past(self) -> tf.Tensor:
        """``(R,)``: one past the last item of each run."""
        return self.splits[1:]

    @property
    def lengths(self) -> tf.Tensor:
        """``(R,)``: items in each run."""
        return self.past - self.first


def decode(text: tf.Tensor) -> Characters:
    """The characters of ``(B,)`` strings, each string a row; invalid bytes are U+FFFD."""
    points = tf.strings.unicode_decode(text, "UTF-8")
    row = points.value_rowids()
    begin = tf.range(tf.size(row, tf.int64)) - tf.gather(points.row_starts(), row)
    begin = tf.cast(begin, tf.int32)
    return Characters(points.flat_values, row, row, begin, begin + 1)


def runs(*keys: tf.Tensor) -> Runs:
    """Runs of neighbours that agree in each of the ``(N,)`` keys."""
    changes = tf.reduce_any([key[1:] != key[:-1] for key in keys], axis=0)
    first = tf.ones_like(keys[0][:1], tf.bool)
    begins = tf.concat([first, changes], axis=0)
    total = tf.size(begins, tf.int64)
    splits = tf.concat([tf.reshape(tf.where(begins), [-1]), [total]], axis=0)
    return Runs(tf.cumsum(tf.cast(begins, tf.int64)) - 1, splits)


def repeated(counts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Repeats the index ``i`` ``counts[i]`` times.

    Returns:
        The indices, and which repetition each is, both ``(M,)`` int64.
    """
    counts = tf.cast(counts, tf.int64)
    index = tf.repeat(tf.range(tf.size(counts, tf.int64)), counts)
    started = tf.gather(tf.cumsum(counts, exclusive=True), index)
    return index, tf.range(tf.size(index, tf.int64)) - started


def covered(first: tf.Tensor, past: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """``(size,)`` booleans: which items lie in one of the ranges; these do not overlap."""
    ends = tf.concat([first, past], axis=0)
    steps = tf.concat([tf.ones_like(first), -tf.ones_like(past)], axis=0)
    return tf.cumsum(tf.scatter_nd(ends[:, None], steps, [size + 1]))[:-1] > 0


def substitute(
    chars: Characters, first: tf.Tensor, past: tf.Tensor, content: Sequence[int]
) -> Characters:
    """Puts the same code points in the place of each of several ranges.

    As in the reference they stand for what the last character of the range stood for.
    """
    counts = tf.cast(~covered(first, past, chars.size), tf.int64)
    last = past[:, None] - 1
    counts = tf.tensor_scatter_nd_update(
        counts, last, tf.fill(tf.shape(past), _int64(len(content)))
    )
    is_last = tf.scatter_nd(last, tf.ones_like(past), tf.shape(counts, tf.int64)) > 0
    index, nth = repeated(counts)
    new = chars.at(index)
    # The zero is never read, but no content is no tensor to gather from.
    replacement = tf.gather(tf.constant([*content, 0], tf.int32), nth)
    return new._replace(points=tf.where(tf.gather(is_last, index), replacement, new.points))


def realigned(
    old: Characters, index: tf.Tensor, points: tf.Tensor, change: tf.Tensor
) -> Characters:
    """New characters, aligned with old ones as ``NormalizedString.transform`` aligns them.

    The reference goes through a string and the changes in step: a character that was added
    (``1``) stands for what the one before it does; one that replaces another (``0``) or
    another and ``n`` following ones (``-n``) stands for the next that is left. A change that
    tells less than was removed thus shifts the rest of the string, there and here.

    Args:
        old: the characters before.
        index: ``(M,)`` int64: for each new character one of the old in the same row.
        points: ``(M,)`` int32.
        change: ``(M,)`` int64.
    """
    row = tf.gather(old.row, index)
    used = tf.cumsum(tf.where(change > 0, _int64(0), 1 - change), exclusive=True)
    new_rows, old_rows = runs(row), runs(old.row)
    used -= tf.gather(tf.gather(used, new_rows.first), new_rows.number)
    start = tf.gather(old_rows.first, tf.gather(old_rows.number, index))
    source = start + used - tf.cast(change > 0, tf.int64)
    return Characters(
        points,
        row,
        tf.gather(old.text, index),
        tf.gather(old.begin, source),
        tf.gather(old.end, source),
    )


def find(keys: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Looks values up in ascending keys, at least one.

    Returns:
        For each value the index of its key (of some key where there is none), and whether
        there is one.
    """
    index = tf.minimum(lower_bound(keys, values), tf.size(keys, tf.int64) - 1)
    return index, tf.gather(keys, index) == values


def lower_bound(keys: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """How many of the ascending keys are smaller than each value, int64.

    ``tf.searchsorted`` refuses empty lists.
    """
    return tf.raw_ops.LowerBound(sorted_inputs=keys[None], values=values[None], out_type=tf.int64)[
        0
    ]


def reachable(successor: tf.Tensor, marked: tf.Tensor) -> tf.Tensor:
    """Marks what successors lead to, in as many rounds as doubling the steps takes.

    Args:
        successor: ``(N + 1,)`` int64: from each item to another; the last is its own.
        marked: ``(N + 1,)`` booleans: where to begin.
    """
    total = tf.size(successor, tf.int64)

    def double(successor: tf.Tensor, marked: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        hits = tf.math.unsorted_segment_max(tf.cast(marked, tf.int32), successor, total)
        return tf.gather(successor, successor), marked | (hits > 0)

    return tf.while_loop(
        lambda successor, _: tf.reduce_any(successor < total - 1), double, [successor, marked]
    )[1]


def spaces(chars: Characters) -> tf.Tensor:
    """Which characters are white space; the property is stable since Unicode 6.3."""
    points = chars.points
    return tf.reduce_any([(points >= low) & (points <= high) for low, high in _SPACES], axis=0)


def _int64(value: int) -> tf.Tensor:
    return tf.constant(value, tf.int64)
