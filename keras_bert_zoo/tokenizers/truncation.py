"""How much of each text stays, and the windows over all of it. TensorFlow-only, core ops only."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf


def windows(
    lengths: list[tf.Tensor], widths: list[tf.Tensor], stride: int
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Numbers the windows of each sample: every combination of those of its texts.

    Of a pair, the reference lists the first window of both; then each further window of
    the first text with all of the second; then the further ones of the second text.

    Returns:
        For each row its sample, and the window of each text.
    """
    counts = [_window_count(*sizes, stride) for sizes in zip(lengths, widths, strict=True)]
    others = counts[1] if len(counts) > 1 else tf.ones_like(counts[0])
    rows = tf.ragged.range(counts[0] * others)
    sample, row = rows.value_rowids(), rows.flat_values
    firsts, seconds = tf.gather(counts[0], sample), tf.gather(others, sample)
    tail = row - (firsts - 1) * seconds
    first = tf.zeros_like(row)
    one = tf.where(row > 0, 1 + (row - 1) // seconds, first)
    other = tf.where(row > 0, (row - 1) % seconds, first)
    numbers = [tf.where(tail > 0, first, one), tf.where(tail > 0, tail, other)]
    return sample, numbers[: len(counts)]


def _window_count(length: tf.Tensor, width: tf.Tensor, stride: int) -> tf.Tensor:
    cut = length > width
    tf.debugging.assert_equal(
        tf.reduce_any(cut & (width <= stride)),
        False,
        "stride must be smaller than what truncation leaves of each text; "
        "ask for a smaller stride or a larger max_length",
    )
    step = tf.maximum(width - stride, 1)
    return tf.where(cut, 1 - (width - length) // step, tf.ones_like(width))


def _keep_all(lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    del budget
    return lengths


def _longest_first(lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    """Cuts the longer text down to the shorter one, then both to the same length."""
    if len(lengths) == 1:
        return [tf.minimum(lengths[0], budget)]
    shorter, longer = tf.minimum(*lengths), tf.maximum(*lengths)
    longer = tf.where(shorter > budget, shorter, tf.maximum(shorter, budget - shorter))
    both = shorter + longer > budget
    shorter = tf.where(both, budget // 2, shorter)
    longer = tf.where(both, budget - budget // 2, longer)
    first = tf.where(lengths[0] > lengths[1], longer, shorter)
    second = tf.where(lengths[0] > lengths[1], shorter, longer)
    fits = lengths[0] + lengths[1] <= budget
    return [tf.where(fits, lengths[0], first), tf.where(fits, lengths[1], second)]


def _only(which: int, lengths: list[tf.Tensor], budget: tf.Tensor) -> list[tf.Tensor]:
    """Takes all that is too much from one text."""
    excess = tf.maximum(tf.add_n(lengths) - budget, 0)
    tf.debugging.assert_equal(
        tf.reduce_any((excess > 0) & (lengths[which] <= excess)),
        False,
        f"truncation='only_{('first', 'second')[which]}': that text is too short to respect "
        "max_length; use truncation='longest_first' or a larger max_length",
    )
    return [length - excess if i == which else length for i, length in enumerate(lengths)]


WIDTHS: dict[str | None, Callable[[list[tf.Tensor], tf.Tensor], list[tf.Tensor]]] = {
    None: _keep_all,
    "longest_first": _longest_first,
    "only_first": functools.partial(_only, 0),
    "only_second": functools.partial(_only, 1),
}
