"""Written gradients against those TensorFlow derives from the plain form, in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.layers import Linear, activations, gradients, linear, masked_lm, normalization
from keras_bert_zoo.models.cross_entropy import CrossEntropy

GENERATOR = np.random.default_rng(0)
LABELS = np.array([3, 0, 3, 6, 1], "int32")


def normal(*shape):
    return GENERATOR.standard_normal(shape) * 2


def written_norm(*values):
    return gradients.layer_norm(1e-12, *values)


def plain_norm(*values):
    return normalization._layer_norm(1e-12, *values)


def written_loss(logits):
    return gradients.cross_entropy(tf.constant(LABELS), logits)


def plain_loss(logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)


PAIRS = {
    "affine": (gradients.affine, linear._affine, [(5, 4), (4, 3), (3,)]),
    "scores": (gradients.scores, masked_lm._scores, [(5, 4), (7, 4), (7,)]),
    "gelu": (gradients.gelu, activations.gelu, [(5, 4)]),
    "layer_norm": (written_norm, plain_norm, [(2, 5, 4), (4,), (4,)]),
    "layer_norm without a bias": (written_norm, plain_norm, [(2, 5, 4), (4,)]),
    "cross_entropy": (written_loss, plain_loss, [(5, 7)]),
}


def weighted(function):
    """The value and the gradients of a sum that weighs every element differently."""

    def run(*values):
        values = [tf.convert_to_tensor(value) for value in values]
        with tf.GradientTape() as tape:
            tape.watch(values)
            result = function(*values)
            weights = np.arange(np.prod(result.shape), dtype="float64").reshape(result.shape)
            total = tf.reduce_sum(result * weights)
        return [result, *tape.gradient(total, values)]

    return run


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("name", PAIRS)
def test_equals_the_derived_gradient(name, wrap):
    written, plain, shapes = PAIRS[name]
    arguments = [normal(*shape) for shape in shapes]
    ours, theirs = (wrap(weighted(function))(*arguments) for function in (written, plain))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_loss_of_extreme_logits_is_finite():
    logits = tf.constant(np.diag([1e4] * 7)[:5], "float32")
    np.testing.assert_array_equal(written_loss(logits), plain_loss(logits))


def test_layer_in_training_gives_its_variables_their_gradients():
    layer = Linear(3)
    x = tf.constant(normal(5, 4), "float32")
    with tf.GradientTape(persistent=True) as tape:
        trained = tf.reduce_sum(layer(x, training=True) ** 2)
        plain = tf.reduce_sum(layer(x) ** 2)
    for variable in layer.trainable_variables:
        pair = (tape.gradient(total, variable.value) for total in (trained, plain))
        np.testing.assert_allclose(*pair, rtol=1e-5)


def test_activation_without_a_written_gradient_is_the_same():
    assert activations.get("relu", training=True) is activations.get("relu")
    assert activations.get("gelu", training=True) is gradients.gelu


def test_loss_is_that_of_keras_for_any_shape():
    labels, logits = GENERATOR.integers(0, 9, (2, 3)), normal(2, 3, 9).astype("float32")
    weights = np.array([[1, 0, 1], [0, 1, 1]], "float32")
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ours = CrossEntropy()(labels, logits, weights)
    np.testing.assert_allclose(ours, theirs(labels, logits, weights), rtol=1e-6)
