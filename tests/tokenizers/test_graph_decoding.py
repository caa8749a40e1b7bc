"""Ids to text in the graph: what ``decode`` makes of them in Python."""

from __future__ import annotations

import random

import pytest
import tensorflow as tf

from keras_bert_zoo.tokenizers import ByteBpeTokenizer, WordPieceTokenizer
from keras_bert_zoo.tokenizers.graph_decoding import joiner_of
from keras_bert_zoo.tokenizers.options import TokenizerError

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "do", "not", "中", "文", "é", "##é"),
    *(".", ",", "?", "!", "'", "n't", "'s", "'ve", "##'s", "s", "##s", "##.", "a.b", "\\", "$1"),
)


@pytest.mark.parametrize("clean_up", [None, False, True])
def test_rows_become_the_texts_of_python(clean_up):
    tokenizer = WordPieceTokenizer(WORDS)
    chance = random.Random(5)
    rows = [chance.choices(range(len(WORDS)), k=12) for _ in range(500)]
    rows += [[0] * 12, [2, 17, *[3] * 10], [chance.randrange(5) for _ in range(11)] + [11]]
    found = tf.function(joiner_of(tokenizer, clean_up))(tf.constant(rows))
    texts = tokenizer.batch_decode(
        rows, skip_special_tokens=True, clean_up_tokenization_spaces=clean_up
    )
    assert [text.decode() for text in found.numpy()] == texts


def test_other_tokenizers_are_refused():
    with pytest.raises(TokenizerError, match="cannot be joined"):
        joiner_of(object.__new__(ByteBpeTokenizer))
