"""Batches of strings: every input has as many rows, and there may be none. TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

Tensors = dict[str, tf.Tensor]


def any_batch(
    answer: Callable[..., Tensors], names: Sequence[str], row: bytes = b""
) -> Callable[..., Tensors]:
    """Lets a function answer batches of every size, and refuse inputs of different sizes.

    An empty batch has no longest row and no best answer, which functions look for. So it gets one
    row, and the answer to that is cut off again.

    Args:
        answer: strings ``(B, ...)`` by name, B > 0, to tensors ``(B, ...)`` by name.
        names: of its inputs, in the order in which an error tells them.
        row: that the function can answer.

    Returns:
        The function for B >= 0. It raises ``tf.errors.InvalidArgumentError`` where the inputs hold
        different numbers of texts.
    """

    def answered(**given: tf.Tensor) -> Tensors:
        given = _checked({name: given[name] for name in names})
        count = tf.shape(next(iter(given.values())))[0]
        rows = {name: _not_empty(texts, row) for name, texts in given.items()}
        return {name: values[:count] for name, values in answer(**rows).items()}

    return answered


def _checked(given: Tensors) -> Tensors:
    """The same texts, which nothing can use before they are counted."""
    (first, count), *others = ((name, tf.shape(texts)[0]) for name, texts in given.items())
    checks = [
        tf.debugging.Assert(
            count == other,
            [f"{first} and {name} must hold the same number of texts, received", count, other],
        )
        for name, other in others
    ]
    with tf.control_dependencies(checks):
        return {name: tf.identity(texts) for name, texts in given.items()}


def _not_empty(texts: tf.Tensor, row: bytes) -> tf.Tensor:
    shape = tf.shape(texts)
    missing = tf.cast(shape[:1] == 0, shape.dtype)
    return tf.concat([texts, tf.fill(tf.concat([missing, shape[1:]], axis=0), row)], axis=0)
