from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.layers.relative_positions import RelativePositions, distance_buckets


def test_near_distances_have_buckets_of_their_own_and_far_ones_share():
    found = distance_buckets(600, 32)
    middle = 599
    np.testing.assert_array_equal(found[middle - 7 : middle + 1][::-1], np.arange(8))
    np.testing.assert_array_equal(found[middle + 1 : middle + 8], 16 + np.arange(1, 8))
    assert (found[middle - 599], found[middle + 599]) == (15, 31)
    assert (np.diff(found[middle + 1 :]) >= 0).all()


@pytest.mark.parity
@pytest.mark.parametrize("buckets", [8, 32])
def test_buckets_are_those_of_transformers(buckets):
    import torch
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

    distances = torch.arange(-599, 600)[None]
    wanted = MPNetEncoder.relative_position_bucket(distances, num_buckets=buckets)[0]
    np.testing.assert_array_equal(distance_buckets(600, buckets), wanted.numpy())


def test_a_number_for_each_distance_and_head():
    layer = RelativePositions(2, 8, 20)
    bias = np.array([[[[0.0, 0.0, -9.0]]]], "float32")
    ids = np.zeros((1, 3), "int32")
    layer(ids, bias)
    layer.table.assign(np.arange(16.0).reshape(8, 2))
    found = np.asarray(layer(ids, bias))
    assert found.shape == (1, 2, 3, 3)
    bucket = distance_buckets(20, 8)
    for query in range(3):
        for key in range(3):
            row = bucket[key - query + 19]
            np.testing.assert_array_equal(
                found[0, :, query, key],
                [2 * row + bias[0, 0, 0, key], 2 * row + 1 + bias[0, 0, 0, key]],
            )
