"""The highest scores of a vocabulary, beside NumPy's stable sort."""

import numpy as np
import pytest
from keras import ops

from keras_bert_zoo.generation.highest import BLOCK, highest


@pytest.mark.parametrize("words", [1, 5, BLOCK, 2 * BLOCK, 3 * BLOCK + 1, 1000, 5 * BLOCK - 1])
@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("values", [2, 7, 10**6])  # few of them: many are equal
def test_the_first_of_the_highest_come_first(words, count, values):
    rng = np.random.default_rng(words + count)
    scores = rng.integers(-values, values, (4, words)).astype("float32")
    scores[3] = -np.inf
    count = min(count, words)
    best, places = map(ops.convert_to_numpy, highest(ops.convert_to_tensor(scores), count))
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(best, np.take_along_axis(scores, expected, axis=1))
    assert places.dtype == np.int32
