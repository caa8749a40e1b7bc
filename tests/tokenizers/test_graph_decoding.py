"""Ids to text in the graph: what ``decode`` makes of them in Python."""

from __future__ import annotations

import random

import pytest
import tensorflow as tf

from keras_bert_zoo.tokenizers import ByteBpeTokenizer, WordPieceTokenizer
from keras_bert_zoo.tokenizers.byte_bpe.alphabet import CHARACTERS
from keras_bert_zoo.tokenizers.graph_decoding import TokenJoiner

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "do", "not", "中", "文", "é", "##é"),
    *(".", ",", "?", "!", "'", "n't", "'s", "'ve", "##'s", "s", "##s", "##.", "a.b", "\\", "$1"),
)
BYTES = (*("<s>", "<pad>", "</s>", "<unk>", "<mask>"), *CHARACTERS)
KINDS = {
    "wordpiece": lambda: WordPieceTokenizer(WORDS),
    "byte-level": lambda: ByteBpeTokenizer(BYTES, []),
}


@pytest.mark.parametrize("clean_up", [None, False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_become_the_texts_of_python(kind, clean_up):
    tokenizer = KINDS[kind]()
    chance = random.Random(5)
    count = tokenizer.vocab_size
    rows = [chance.choices(range(count), k=12) for _ in range(500)]
    rows += [[0] * 12, [2, 17, *[3] * 10], [chance.randrange(5) for _ in range(11)] + [11]]
    found = tf.function(TokenJoiner(tokenizer, clean_up))(tf.constant(rows))
    texts = tokenizer.batch_decode(
        rows, skip_special_tokens=True, clean_up_tokenization_spaces=clean_up
    )
    assert [text.decode() for text in found.numpy()] == texts


def test_rows_of_the_word_table_without_a_word_are_left_out():
    found = TokenJoiner(WordPieceTokenizer(WORDS))(tf.constant([[len(WORDS), 5, 99, 7]]))
    assert found.numpy().tolist() == [b"the not"]
