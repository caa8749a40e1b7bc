from __future__ import annotations

import numpy as np

from keras_bert_zoo.layers import Rotations, Window
from keras_bert_zoo.layers.attention import MASKED
from keras_bert_zoo.layers.rotary import rotated


def test_products_know_the_distance_alone():
    rotations = Rotations(8, 10_000.0)(np.zeros((1, 30), "int32"))
    rng = np.random.default_rng(0)
    query, key = (np.tile(rng.normal(size=(1, 1, 1, 8)), (1, 30, 1, 1)) for _ in range(2))
    query, key = (np.asarray(rotated(x.astype("float32"), rotations)) for x in (query, key))
    products = query[0, :, 0] @ key[0, :, 0].T
    for distance in range(-20, 21):
        along = np.diagonal(products, distance)
        np.testing.assert_allclose(along, along[0], rtol=0, atol=1e-4)
    assert np.ptp(products[0]) > 1


def test_turning_keeps_lengths():
    rotations = Rotations(6, 160_000.0)(np.zeros((1, 4), "int32"))
    x = np.random.default_rng(1).normal(size=(2, 4, 3, 6)).astype("float32")
    turned = np.asarray(rotated(x, rotations))
    np.testing.assert_array_equal(turned[:, 0], x[:, 0])
    np.testing.assert_allclose((turned**2).sum(-1), (x**2).sum(-1), rtol=1e-5)


def test_a_window_hides_what_is_far():
    bias = np.array([[[[0, 0, 0, 0, MASKED]]]], "float32")
    found = np.asarray(Window(1)(np.zeros((1, 5), "int32"), bias))[0, 0]
    seen = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) <= 1
    seen[:, 4] = False
    np.testing.assert_array_equal(found > MASKED / 2, seen)
