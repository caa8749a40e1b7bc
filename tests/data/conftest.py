"""A real tokenizer with a vocabulary of a few words."""

from __future__ import annotations

import pytest

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghij",
    *(f"w{i}" for i in range(20)),
]


@pytest.fixture(scope="session")
def tokenizer():
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    return WordPieceTokenizer(VOCABULARY)
