"""Keras' moving average of the weights, with our optimizers."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_optimizers import make_problem

from keras_bert_zoo.training.lamb import Lamb
from keras_bert_zoo.training.optimizers import BertAdamW


@pytest.mark.parametrize("kind", [BertAdamW, Lamb])
@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "loss scale"])
def test_the_run_ends_with_the_average(kind, scaled):
    _, steps, variables = make_problem(1.0, dtype="float32")
    optimizer = kind(0.1, use_ema=True, ema_momentum=0.5)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    average = None
    for gradients in steps:
        scaled_gradients = [optimizer.scale_loss(tf.constant(g, "float32")) for g in gradients]
        optimizer.apply(scaled_gradients, variables)
        values = [v.numpy() for v in variables]
        # The first update starts the average: it has no bias towards 0.
        pairs = zip(average or values, values, strict=True)
        average = [0.5 * old + 0.5 * new for old, new in pairs]
    optimizer.finalize_variable_values(variables)
    for variable, value, last in zip(variables, average, values, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=0, atol=1e-6)
        assert np.abs(value - last).max() > 1e-3


def state(variables, optimizer):
    return [*variables, *optimizer.variables]


def test_the_average_is_part_of_the_state():
    _, steps, variables = make_problem(1.0, dtype="float32")
    optimizer = Lamb(0.1, use_ema=True)
    for gradients in steps[:3]:
        optimizer.apply([tf.constant(g, "float32") for g in gradients], variables)
    _, _, others = make_problem(1.0, dtype="float32")
    resumed = Lamb.from_config(optimizer.get_config())
    resumed.build(others)
    for theirs, ours in zip(state(others, resumed), state(variables, optimizer), strict=True):
        theirs.assign(ours)
    for each, weights in ((optimizer, variables), (resumed, others)):
        for gradients in steps[3:]:
            each.apply([tf.constant(g, "float32") for g in gradients], weights)
        each.finalize_variable_values(weights)
    for one, other in zip(variables, others, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
