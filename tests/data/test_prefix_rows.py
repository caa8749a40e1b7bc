"""What is read and what is to be written of it, in one row."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo import WordPieceTokenizer
from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.pair_rows import Frame
from keras_bert_zoo.data.prefix_rows import prefix_rows, prefixes

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdef")


@pytest.fixture(scope="module")
def rows():
    return prefix_rows(
        ["a b c", "d", ""],
        ["f", "e f e f e", "a"],
        WordPieceTokenizer(WORDS),
        frame=Frame(2, 3),
        end=3,
        max_length=4,
        max_target_length=4,
    )


def test_rows_hold_both_and_learn_what_follows(rows):
    every = np.arange(3)
    found = rows.inputs(every, 7)
    # Texts are cut at four tokens with those around them, what is to be written with its end.
    assert found["input_ids"].tolist() == [
        [2, 5, 6, 3, 10, 0, 0],
        [2, 8, 3, 9, 10, 9, 0],
        [2, 3, 5, 0, 0, 0, 0],
    ]
    assert found["token_type_ids"].tolist() == [
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 0],
        [0, 0, 1, 0, 0, 0, 0],
    ]
    assert found["attention_mask"].sum(axis=1).tolist() == [5, 6, 3]
    labels, weights = rows.targets(every, 7)
    no = IGNORED
    assert labels["logits"].tolist() == [
        [no, no, no, 10, 3, no, no],
        [no, no, 9, 10, 9, 3, no],
        [no, 5, 3, no, no, no, no],
    ]
    assert weights["logits"].sum(axis=1).tolist() == [2, 4, 2]


def test_what_is_read_is_what_stands_before_what_is_written(rows):
    found = prefixes(rows.inputs(np.arange(3), 7))
    assert found["input_ids"].tolist() == [[2, 5, 6, 3], [2, 8, 3, 0], [2, 3, 0, 0]]
    assert found["attention_mask"].sum(axis=1).tolist() == [4, 3, 2]
