"""The loss of a model that writes equals the loss of classes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from writers import tiny_writer

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.models.class_losses import SingleLabelLoss
from keras_bert_zoo.models.word_loss import WordLoss


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_values_and_gradients_are_those_of_classes(smoothing):
    random = np.random.default_rng(0)
    labels = random.integers(0, 11, (3, 5))
    labels[0, 3:] = labels[2, 1:] = IGNORED
    logits = tf.constant(random.normal(size=(3, 5, 11)).astype("float32"))
    found = []
    for loss in (WordLoss(smoothing), SingleLabelLoss(label_smoothing=smoothing)):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        gradient = tf.convert_to_tensor(tape.gradient(value, logits))
        found.append((value, gradient, loss.call(labels, logits)))
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)


def test_it_is_what_a_writer_is_compiled_with():
    model = tiny_writer("marian")
    model.label_smoothing = 0.2
    assert model.losses_by_output()["logits"].label_smoothing == 0.2
    again = keras.losses.deserialize(keras.losses.serialize(WordLoss(0.3)))
    assert again.label_smoothing == 0.3
