"""Random numbers that depend on where they are used alone. TensorFlow-only.

A number is the hash of a row's seed, of what it is for (the stream) and of its place: no state
goes from one row to the next, so any number of workers, and a run that was resumed, draw
the same.
"""

from __future__ import annotations

import enum

import tensorflow as tf

# A multiplicative hash of the counter before the finaliser: neighbouring places differ in
# high bits, too.
_GOLDEN = 0x9E3779B1
# Finaliser of 32 bits ("lowbias32", C. Wellons 2018): shift, multiplier; the last only shifts.
_ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1))
_STREAM = 1 << 24  # more places than any row has


class Stream(enum.IntEnum):
    """What a number is for."""

    ORDER, LENGTH, FATE, WORD = range(4)


def random_bits(seeds: tf.Tensor, stream: Stream, places: tf.Tensor) -> tf.Tensor:
    """Bits for places of rows; different places of a row never have the same.

    Args:
        seeds: uint32 ``(B,)``.
        stream: what the bits are for.
        places: int32 ``(B, N)`` or ``(N,)``, below 2**24.

    Returns:
        uint32 ``(B, N)``.
    """
    counter = tf.cast(places + stream * _STREAM, tf.uint32) * tf.constant(_GOLDEN, tf.uint32)
    bits = tf.bitwise.bitwise_xor(seeds[:, None], counter)
    for shift, multiplier in _ROUNDS:
        shifted = tf.bitwise.right_shift(bits, tf.constant(shift, tf.uint32))
        bits = tf.bitwise.bitwise_xor(bits, shifted)
        if multiplier > 1:
            bits *= tf.constant(multiplier, tf.uint32)
    return bits


def uniform(bits: tf.Tensor) -> tf.Tensor:
    """Bits as float32 in [0, 1), in steps of 2**-24."""
    return tf.cast(tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32)), tf.float32) * 2.0**-24


def below(bits: tf.Tensor, limit: int) -> tf.Tensor:
    """Bits as int32 from 0 to ``limit - 1``."""
    return tf.cast(tf.bitwise.right_shift(tf.cast(bits, tf.int64) * limit, 32), tf.int32)
