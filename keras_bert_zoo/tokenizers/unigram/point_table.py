"""Numbers for code points. TensorFlow-only."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tokenizers.unigram.characters import LITERAL

_BLOCK = 256


class PointTable:
    """A number for every code point; 0 for added tokens.

    Args:
        values: ``(0x110000,)`` numbers. Stored in blocks, most of which are alike.
    """

    def __init__(self, values: np.ndarray) -> None:
        padded = np.append(values, np.zeros(_BLOCK, values.dtype)).reshape(-1, _BLOCK)
        places: dict[bytes, int] = {}
        starts = [places.setdefault(block.tobytes(), len(places) * _BLOCK) for block in padded]
        self._starts = tf.constant(starts, tf.int32)
        self._values = tf.constant(np.frombuffer(b"".join(places), values.dtype))

    def __call__(self, points: tf.Tensor) -> tf.Tensor:
        """Looks ``(N,)`` code points up."""
        points = tf.minimum(points, LITERAL)
        block = tf.gather(self._starts, points // _BLOCK)
        return tf.gather(self._values, block + points % _BLOCK)


def point_table(numbers: dict[int, int]) -> PointTable:
    """The table of the numbers of some code points, int32, 0 for all others."""
    values = np.zeros(LITERAL, np.int32)
    values[list(numbers)] = list(numbers.values())
    return PointTable(values)
