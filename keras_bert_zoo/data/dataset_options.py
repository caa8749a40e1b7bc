"""How ``tf.data`` runs our datasets.

TensorFlow-only.
"""

from __future__ import annotations

import tensorflow as tf


def untuned() -> tf.data.Options:
    """Options of a dataset whose buffers are given, so that TensorFlow does not search for some.

    The thread that searches sleeps between its rounds, twice as long each time, up to a minute,
    and in TensorFlow 2.21 an iterator that ends waits for it: a ``fit`` of 11 seconds took 20.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
