"""Labels of a model that reads from the left: every token of a text, once."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.pretraining.batches import PretrainingBatches
from keras_bert_zoo.data.pretraining.options import BatchOptions

CLS, SEP = 2, 3
WIDTH = 64


def batches_of(shards, packed, width=WIDTH):
    options = BatchOptions(objective="causal", sentences="none", packed=packed, max_length=width)
    return PretrainingBatches(shards, options, batch_size=16, seed=7)


@pytest.mark.parametrize("packed", [False, True], ids=["full", "packed"])
def test_every_token_is_predicted_once(shards, documents, packed):
    found = collections.Counter()
    for _, labels, weights in batches_of(shards, packed).fixed(16).as_numpy_iterator():
        found.update(labels["logits"][weights["logits"] > 0].tolist())
    ends = found.pop(SEP)
    texts = np.concatenate([sentence for document in documents for sentence in document])
    assert found == collections.Counter(texts.tolist())
    # An end counts where it is one, and not where a row ends.
    assert ends == len(documents)


@pytest.mark.parametrize("packed", [False, True], ids=["full", "packed"])
def test_a_label_is_what_follows(shards, packed):
    for inputs, labels, weights in batches_of(shards, packed).fixed(16).as_numpy_iterator():
        ids, wanted = inputs["input_ids"], labels["logits"]
        counts = wanted != IGNORED
        np.testing.assert_array_equal(wanted[:, :-1][counts[:, :-1]], ids[:, 1:][counts[:, :-1]])
        assert not counts[:, -1].any() and not (wanted == CLS).any()
        # The rows that fill a batch up weigh nothing.
        real = weights["logits"].any(axis=1)
        np.testing.assert_array_equal(weights["logits"][real] > 0, counts[real])
        lengths = (inputs["attention_mask"] > 0).sum(axis=1)
        starts = (ids == CLS).sum(axis=1)
        assert (starts == 1).all() or packed
        # All tokens but each [CLS] and, where a document goes on, the last [SEP].
        left_out = lengths - starts - counts.sum(axis=1)
        assert set(left_out.tolist()) <= {0, 1} and (left_out == 1).any()


def test_the_narrowest_row_predicts_a_token_and_perhaps_an_end(shards, documents):
    batches = batches_of(shards, False, width=3).fixed(1024).as_numpy_iterator()
    counts = np.concatenate([weights["logits"].sum(axis=1) for _, _, weights in batches])
    assert set(counts.tolist()) == {0, 1, 2}  # none where a batch was filled up
    assert (counts == 2).sum() == len(documents)
