"""What a predictor knows of a bundle by itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

import keras_bert_zoo
from keras_bert_zoo import load, predictor
from keras_bert_zoo.evaluation.embeddings import encode
from keras_bert_zoo.tasks.task import REMEMBERED


@pytest.fixture
def encoder(checkpoint):
    return keras_bert_zoo.load(checkpoint).model


def saved(model, tokenizer, path):
    return keras_bert_zoo.save(model, tokenizer, path / "bundle")


def test_a_bundle_is_asked_for_what_it_was_trained_for(encoder, tokenizer, tmp_path):
    following = keras_bert_zoo.NextSentencePredictor(encoder)
    [answer] = predictor(saved(following, tokenizer, tmp_path / "a"))([("w1", "w2")])
    assert set(answer) == {"follows"}
    embedder = keras_bert_zoo.SentenceEmbedder(encoder)
    [answer] = predictor(saved(embedder, tokenizer, tmp_path / "b"))(["w1"])
    assert len(answer["embedding"]) == 16
    pretrained = keras_bert_zoo.PretrainingModel(encoder)
    [answer] = predictor(saved(pretrained, tokenizer, tmp_path / "c"))(["w1 [MASK]"])
    assert answer["masks"]


def test_vectors_as_an_array(encoder, tokenizer, tmp_path):
    embedder = keras_bert_zoo.SentenceEmbedder(encoder)
    ask = predictor(saved(embedder, tokenizer, tmp_path / "a"))
    texts = ["w1 w2", "w3", "w1 w2", "w4 w5 w6"]
    vectors = ask.encode(texts)
    assert vectors.dtype == np.float32
    answers = [answer["embedding"] for answer in ask(texts)]
    np.testing.assert_allclose(vectors, answers, rtol=0, atol=1e-5)
    assert ask.encode([]).shape == ask.encode([], progress=True).shape == (0, 16)
    in_memory = load(tmp_path / "a" / "bundle", task="sentence_embedding")
    np.testing.assert_array_equal(predictor(in_memory).encode(texts), vectors)
    with pytest.raises(ValueError, match="received one string"):
        ask.encode("w1")
    other = predictor(saved(keras_bert_zoo.NextSentencePredictor(encoder), tokenizer, tmp_path))
    with pytest.raises(ValueError, match=r"predictor of NextSentence\. Load one with task="):
        other.encode(texts)


def test_vectors_are_cut_where_the_embedder_says(encoder, tokenizer, tmp_path, capsys):
    """As `encode` does, and sentence-transformers; not where a training found it long enough."""
    embedder = keras_bert_zoo.SentenceEmbedder(encoder, max_seq_length=6)
    path = saved(embedder, tokenizer, tmp_path)
    config = json.loads((path / "config.json").read_text())
    config[REMEMBERED] = {"sentence_embedding": {"max_length": 4}}
    (path / "config.json").write_text(json.dumps(config))
    ask, texts = predictor(path), ["w1 w2 w3 w4 w5 w6", "w1 w2 w3 w4", "w1 w2"]
    vectors = ask.encode(texts, progress=True)
    assert "3/3" in capsys.readouterr().out
    np.testing.assert_allclose(vectors, encode(embedder, tokenizer, texts), rtol=0, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=0, atol=1e-5)
    further = predictor(path, max_length=8).encode(texts)
    assert np.abs(further[0] - further[1]).max() > 1e-3


HEAD = {"pooling": ["mean", "max"], "dense_units": 7, "normalize": True}


def test_a_dense_layer_that_was_learned_is_asked(encoder, tokenizer, tmp_path):
    """The bundle remembers the options that made it; they must not make another."""
    embedder = keras_bert_zoo.SentenceEmbedder(encoder, **HEAD)
    path, texts = saved(embedder, tokenizer, tmp_path), ["w1 w2", "w3"]
    config = json.loads((path / "config.json").read_text())
    config[REMEMBERED] = {"sentence_embedding": {"max_length": 16, "options": HEAD}}
    (path / "config.json").write_text(json.dumps(config))
    vectors = encode(embedder, tokenizer, texts)
    for source in (path, load(path, task="sentence_embedding")):
        np.testing.assert_allclose(predictor(source).encode(texts), vectors, rtol=0, atol=1e-5)
    cut = predictor(path, options={"truncate_dim": 3}).encode(texts)
    wanted = vectors[:, :3] / np.linalg.norm(vectors[:, :3], axis=1, keepdims=True)
    np.testing.assert_allclose(cut, wanted, rtol=0, atol=1e-5)
    for options in ({"dense_units": 5}, {"pooling": "cls"}):
        with pytest.raises(ValueError, match="has no dense layer for"):
            predictor(path, options=options)
    # A training may begin with random weights, and goes on with those that are there.
    kernel = embedder.get_layer("dense").kernel
    same, other = embedder.with_head(normalize=False), embedder.with_head(pooling="cls")
    np.testing.assert_array_equal(same.get_layer("dense").kernel, kernel)
    assert other.get_layer("dense").kernel.shape == (16, 7) != kernel.shape


def test_options_of_the_training_are_remembered(encoder, tokenizer, tmp_path):
    path = saved(keras_bert_zoo.QuestionAnswerer(encoder), tokenizer, tmp_path)
    with pytest.raises(ValueError, match="stride"):
        predictor(path)([("w1", "w2 w3")])
    config = json.loads((path / "config.json").read_text())
    asked = {"max_length": 16, "options": {"stride": 2, "max_question_length": 4}}
    config[REMEMBERED] = {"question_answering": asked}
    (path / "config.json").write_text(json.dumps(config))
    ask = predictor(path, options={"n_best": 1})
    assert ask.task.settings.max_length == 16
    [answer] = ask([("w1", "w2 w3")])
    assert len(answer["n_best"]) == 1


@pytest.mark.parametrize("question", ["a text", {"text": "a"}, b"a"])
def test_one_question_is_no_list(encoder, tokenizer, tmp_path, question):
    config = encoder.config.replace(id2label={0: "O", 1: "B-X"})
    tagger = keras_bert_zoo.TokenClassifier(encoder, config)
    ask = predictor(saved(tagger, tokenizer, tmp_path))
    with pytest.raises(ValueError, match="Pass a list of questions"):
        ask(question)
    with pytest.raises(ValueError, match="question 0 must be a text"):
        ask([3])


def test_what_cannot_be_asked_is_named(checkpoint):
    with pytest.raises(ValueError, match=r"without a head.*name a task"):
        predictor(checkpoint)
    with pytest.raises(ValueError, match=r"^The model is an encoder without a head"):
        predictor(load(checkpoint))
    with pytest.raises(ValueError, match=r"one for 'masked_lm'.* asked as 'question_answering'"):
        predictor(load(checkpoint, task="masked_lm"), task="question_answering")
    with pytest.raises(ValueError, match=r"no arguments \['text_colum'\]"):
        predictor(checkpoint, text_colum="x")
    with pytest.raises(ValueError, match="no trained head for 'question_answering'"):
        predictor(checkpoint, task="question_answering")
