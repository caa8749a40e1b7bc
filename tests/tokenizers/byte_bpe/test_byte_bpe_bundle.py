"""Bundles with a byte-level tokenizer: saved, loaded, and exported with strings as input."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo import BertEncoder, ByteBpeTokenizer, QuestionAnswerer
from keras_bert_zoo.export.errors import ExportError
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.tflite.mediapipe import adapt
from keras_bert_zoo.tasks.explanation import explain

TEXTS = ["Hello wörld  <mask>", "", "a  b 你好！"]
PAIRS = ["it's", "x" * 60, " the"]


@pytest.fixture(scope="module")
def bundle(make_pair, tiny_config, randomise, tmp_path_factory):
    """An encoder with one type of tokens, as RoBERTa's."""
    tokenizer = make_pair("roberta").ours
    config = tiny_config.replace(
        vocab_size=tokenizer.vocab_size, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id
    )
    directory = tmp_path_factory.mktemp("bundles") / "bundle"
    keras_bert_zoo.save(randomise(BertEncoder(config)), tokenizer, directory)
    return keras_bert_zoo.load(directory)


def test_the_tokenizer_comes_back(bundle, make_pair):
    assert type(bundle.tokenizer) is ByteBpeTokenizer
    assert bundle.tokenizer.options == make_pair("roberta").ours.options
    assert bundle.tokenizer.vocabulary == make_pair("roberta").ours.vocabulary


def test_strings_go_into_the_savedmodel_alone_and_in_pairs(bundle, tmp_path):
    signatures = FORMATS["savedmodel"].export(bundle, tmp_path / "model")
    assert [s.name for s in signatures] == ["ids", "serving_default", "pairs", "tf_examples"]
    served = tf.saved_model.load(str(tmp_path / "model")).signatures
    for name, texts in (("serving_default", [TEXTS]), ("pairs", [TEXTS, PAIRS])):
        inputs = bundle.tokenizer(*texts, truncation=True, max_length=20, padding=True)
        hidden = bundle.model(inputs, training=False)["last_hidden_state"].numpy()
        mask = inputs["attention_mask"].numpy()[:, :, None]
        expected = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
        given = dict(zip(("text", "text_pair"), map(tf.constant, texts), strict=False))
        np.testing.assert_allclose(served[name](**given)["embeddings"], expected, atol=1e-5)


def test_answers_lie_in_the_context(make_pair, tiny_config, randomise, tmp_path):
    """Question and context have one type of tokens."""
    tokenizer = make_pair("roberta").ours
    config = tiny_config.replace(
        model_type="roberta",
        vocab_size=tokenizer.vocab_size,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        max_position_embeddings=26,
        extra={
            "task_specific_params": {
                "question_answering": {
                    "max_length": 24,
                    "options": {"stride": 3, "max_question_length": 6},
                }
            }
        },
    )
    model = randomise(QuestionAnswerer(BertEncoder(config, add_pooling_layer=False)))
    saved = keras_bert_zoo.save(model, tokenizer, tmp_path / "bundle")
    contexts = ["Rome 你好 is a town. " * 9, "Ann lives there"]
    questions = [{"question": "Who, then?", "context": each} for each in contexts]
    ask = keras_bert_zoo.predictor(saved)
    answers = ask(questions)
    for answer, context in zip(answers, contexts, strict=True):
        assert answer["answer"] == context[answer["start"] : answer["end"]] != ""
    for explanation, context in zip(explain(ask, questions), contexts, strict=True):
        assert explanation.texts[1] == context
        assert all(end <= len(context) for _, end, _ in explanation.spans[1])
        assert len(explanation.spans[0]) > 0 < len(explanation.spans[1])

    FORMATS["savedmodel"].export(keras_bert_zoo.load(saved), tmp_path / "model")
    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    asked = tf.constant([each["question"] for each in questions])
    served = serve(question=asked, context=tf.constant(contexts))["answer"].numpy()
    assert [each.decode() for each in served] == [each["answer"] for each in answers]


def test_mediapipe_cuts_texts_itself(bundle):
    with pytest.raises(ExportError, match="has a ByteBpeTokenizer"):
        adapt(bundle, normalize=False)
