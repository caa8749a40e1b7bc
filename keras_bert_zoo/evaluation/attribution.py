"""How much each token speaks for what a model says.

TensorFlow-only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

# Name of an output, and the place of a number in it, without the batch.
Place = tuple[str, tuple[int, ...]]


def gradient_times_input(
    model: Any, inputs: Mapping[str, np.ndarray], places: Sequence[Place]
) -> np.ndarray:
    """Gradient times input of each token (Shrikumar et al. 2017, arXiv:1704.02685, section 2).

    The input is the word's vector, without position and segment; the numbers say in which
    direction a small change of it would move the model's answer, and are no shares of it.

    Args:
        model: a task model.
        inputs: one row, int32 ``(1, S)`` each.
        places: the numbers of the output whose sum is explained.

    Returns:
        float32 ``(S,)``, positive where a token speaks for the answer.
    """
    table = model.encoder.get_layer("embeddings").word.value
    with tf.GradientTape() as tape:
        outputs = model(dict(inputs), training=False)
        score = tf.add_n([outputs[name][(0, *place)] for name, place in places])
    # One slice for each token: what is looked up twice is not summed yet.
    slices = tape.gradient(score, table)
    words = tf.gather(table, tf.reshape(slices.indices, [-1]))
    return tf.reduce_sum(tf.reshape(slices.values, words.shape) * words, axis=-1).numpy()
