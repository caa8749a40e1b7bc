from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo import BertEncoder, EncoderConfig, SequenceClassifier, WordPieceTokenizer
from keras_bert_zoo.evaluation.prediction import predict_logits

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]
TEXTS = ["a b c", "", "j " * 40, "d", "e f g h i j a b c", "b a"]


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(VOCABULARY)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(5)
    config = EncoderConfig(
        vocab_size=len(VOCABULARY), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=24, id2label={0: "x", 1: "y", 2: "z"},
        initializer_range=0.5,
    )  # fmt: skip
    return SequenceClassifier(BertEncoder(config))


@pytest.mark.parametrize("pairs", [None, TEXTS[::-1]], ids=["single", "pairs"])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_logits_come_back_in_the_order_of_the_texts(model, tokenizer, pairs, batch_size):
    logits = predict_logits(model, tokenizer, TEXTS, pairs, batch_size=batch_size)
    for row, text in enumerate(TEXTS):
        pair = None if pairs is None else [pairs[row]]
        inputs = tokenizer([text], pair, truncation=True, max_length=24, padding=True)
        np.testing.assert_allclose(logits[row], model(inputs)["logits"][0], rtol=1e-5, atol=1e-6)
    assert len(np.unique(logits.round(4), axis=0)) == len(TEXTS)


def test_no_texts_give_no_logits(model, tokenizer):
    assert predict_logits(model, tokenizer, []).shape == (0, 3)


@pytest.mark.parametrize("max_length", [25, 2, -1])
def test_lengths_the_model_does_not_have(model, tokenizer, max_length):
    with pytest.raises(ValueError, match="from 3 to 24"):
        predict_logits(model, tokenizer, TEXTS, max_length=max_length)


def test_a_model_without_logits(model, tokenizer):
    with pytest.raises(ValueError, match=r"pooler_output.*sequence_classification"):
        predict_logits(model.encoder, tokenizer, TEXTS)


def test_what_is_no_text(model, tokenizer):
    with pytest.raises(ValueError, match=r"texts\[1\].*None"):
        predict_logits(model, tokenizer, ["a", None])


def test_texts_end_where_the_tokenizer_says(model):
    short = WordPieceTokenizer(VOCABULARY, model_max_length=6)
    expected = predict_logits(model, short, TEXTS, max_length=6)
    np.testing.assert_array_equal(predict_logits(model, short, TEXTS), expected)
