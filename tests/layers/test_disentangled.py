from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.layers.disentangled import by_place
from keras_bert_zoo.layers.distances import distance_rows


@pytest.mark.parity
@pytest.mark.parametrize(("span", "farthest"), [(256, 512), (4, 20), (64, 1024), (32, 512)])
def test_growing_distances_are_those_of_transformers(span, farthest):
    import torch
    from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

    distance = torch.arange(farthest - 1, -farthest, -1)
    wanted = make_log_bucket_position(distance, span, farthest).long().numpy() + span
    found = distance_rows(farthest, span, farthest, grow=True)
    np.testing.assert_array_equal(found, np.clip(wanted, 0, 2 * span - 1))


def test_distances_of_their_own_end_at_the_table():
    np.testing.assert_array_equal(distance_rows(5, 3, 3, grow=False), [5, 5, 5, 4, 3, 2, 1, 0, 0])


@pytest.mark.parametrize("length", [1, 2, 7])
def test_scores_by_distance_come_to_their_place(length):
    scores = np.random.default_rng(0).normal(size=(2, 3, length, 2 * length - 1))
    found = np.asarray(by_place(scores.astype("float32")))
    assert found.shape == (2, 3, length, length)
    for query in range(length):
        for key in range(length):
            column = length - 1 - (query - key)
            wanted = scores[:, :, query, column].astype("float32")
            np.testing.assert_array_equal(found[:, :, query, key], wanted)
