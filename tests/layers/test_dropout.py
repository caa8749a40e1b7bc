from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.layers.dropout import Dropout, repeating


@pytest.mark.parametrize("shape", [(301, 333), (64, 4, 40, 40)], ids=["odd", "even"])
def test_rate_scale_and_independence(shape):
    layer = Dropout(0.1, seed=1)
    first, second = (layer(np.ones(shape, "float32"), training=True).numpy() for _ in range(2))
    kept = first != 0
    size, deviation = kept.size, np.sqrt(0.1 * 0.9 / kept.size)
    assert abs(kept.mean() - 0.9) < 5 * deviation
    np.testing.assert_allclose(first[kept], 1 / 0.9, rtol=1e-4)
    # Both halves of a draw, and two calls, decide independently.
    flat = kept.ravel()[: size // 2 * 2].reshape(-1, 2)
    for one, other in (flat.T, (kept, second != 0)):
        assert abs((one & other).mean() - 0.81) < 5 * np.sqrt(0.81 * 0.19 / one.size)


def test_identity_outside_training():
    x = tf.ones((2, 3))
    assert Dropout(0.5)(x, training=False) is x
    assert Dropout(0.0)(x, training=True) is x
    assert Dropout(2**-18)(x, training=True) is x  # less than a step of the rate


def test_everything_can_be_dropped():
    assert not Dropout(1.0)(np.ones((1000, 1000), "float32"), training=True).numpy().any()


def test_gradient_has_the_mask():
    x = tf.ones((8, 9))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.5)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_unknown_shape_and_half_precision():
    layer = Dropout(0.25, seed=2, dtype="mixed_bfloat16")
    run = tf.function(lambda x: layer(x, training=True))
    y = run.get_concrete_function(tf.TensorSpec((None, None)))(tf.ones((3, 5)))
    assert y.shape == (3, 5) and y.dtype == tf.bfloat16


def test_seeds_can_be_repeated():
    layer, x = Dropout(0.5, seed=3), np.ones((20, 20), "float32")
    seed = layer.seed_generator.next()
    with repeating([layer], [seed]):
        same = [layer(x, training=True) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (layer(x, training=True).numpy() != same[0].numpy()).any()


def test_configuration_comes_back():
    layer = Dropout(0.3, seed=5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.rate, again.seed) == (Dropout, 0.3, 5)


def test_refuses_a_noise_shape():
    with pytest.raises(ValueError, match="noise_shape"):
        Dropout(0.1, noise_shape=(1, 3))
