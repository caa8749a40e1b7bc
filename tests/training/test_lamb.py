from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_optimizers import DECAYS, SHAPES, STEPS, make_problem
from transcriptions import lamb

from keras_bert_zoo.training.lamb import Lamb
from keras_bert_zoo.training.schedules import WarmupDecay

RATE = 2.0**-7  # exact in float32, which rates are kept in


@pytest.mark.parametrize("scale", [0.001, 10.0], ids=["below the clip", "clipped"])
def test_every_step_is_the_published_one(scale):
    starts, steps, variables = make_problem(scale)
    optimizer = Lamb(RATE)
    for count, gradients in enumerate(steps, start=1):
        optimizer.apply([tf.constant(g) for g in gradients], variables)
        wanted = lamb(starts, steps[:count], [RATE] * count, DECAYS)
        for variable, value in zip(variables, wanted, strict=True):
            np.testing.assert_allclose(variable.numpy(), value, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("start", "gradient"),
    [([0.0, 0.0], [3.0, -4.0]), ([0.0, 0.0], [0.0, 0.0]), ([1.0, 2.0], [0.0, 0.0])],
    ids=["no weight", "neither", "no gradient"],
)
@pytest.mark.parametrize("decay", [0.01, 0.0])
def test_a_norm_of_zero_has_no_ratio(start, gradient, decay):
    variable = keras.Variable(start, dtype="float64", name="kernel")
    Lamb(RATE, decay=decay).apply([tf.constant(gradient, "float64")], [variable])
    # One update without ratio is the sign of the gradient; decay alone is as long as the weight.
    wanted = np.array(start) - RATE * np.sign(gradient) - RATE * np.array(start) * (decay > 0)
    np.testing.assert_allclose(variable.numpy(), wanted, rtol=0, atol=1e-7)


def test_sparse_gradients_are_summed_before_the_norm():
    _, _, variables = make_problem(1.0)
    _, _, others = make_problem(1.0)
    gradients = [tf.constant(g) for g in make_problem(10.0)[1][0]]
    rows = tf.constant([1, 4, 1])
    slices = tf.IndexedSlices(tf.gather(gradients[3], rows), rows, SHAPES[3])
    Lamb(RATE).apply([*gradients[:3], slices], variables)
    Lamb(RATE).apply([*gradients[:3], tf.convert_to_tensor(slices)], others)
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-15)


def test_loss_scaling_changes_nothing_and_skips_what_overflows():
    starts, steps, variables = make_problem(1.0, dtype="float32")
    optimizer = keras.optimizers.LossScaleOptimizer(Lamb(RATE), initial_scale=1024.0)
    optimizer.build(variables)
    optimizer.apply([tf.constant(np.full(s, np.inf, "float32")) for s in SHAPES], variables)
    for variable, start in zip(variables, starts, strict=True):
        np.testing.assert_array_equal(variable.numpy(), start.astype("float32"))
    assert float(optimizer.dynamic_scale.numpy()) == 512.0
    for gradients in steps:
        scaled = [optimizer.scale_loss(tf.constant(g, "float32")) for g in gradients]
        optimizer.apply(scaled, variables)
    wanted = lamb(starts, steps, [RATE] * STEPS, DECAYS)
    for variable, value in zip(variables, wanted, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=0, atol=1e-5)


def test_round_trip_of_the_configuration():
    optimizer = Lamb(WarmupDecay(1e-3, 3, 9), decay=0.05, clip=None, layer_decay=0.9, exclude=())
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, Lamb)
    assert copy.get_config() == optimizer.get_config()
    with pytest.raises(ValueError, match=r"Lamb takes decay and clip instead of .*clipnorm"):
        Lamb(clipnorm=1.0)
