"""Hashes that were seen before."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.corpus.duplicates import Seen

# Two bytes make repeats likely; zeros at the end are what NumPy strips from such strings.
HASHES = st.lists(st.binary(min_size=2, max_size=2).map(lambda b: b + bytes(13) + b[:1]))


@settings(deadline=None, max_examples=50)
@given(st.lists(HASHES, max_size=8))
def test_the_first_of_equal_ones(batches):
    seen, known = Seen(), set()
    for batch in batches:
        expected = []
        for value in batch:
            expected.append(value not in known)
            known.add(value)
        assert seen.first(np.array(batch, "S16")).tolist() == expected
