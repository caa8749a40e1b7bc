"""The signatures that take strings, each re-run without Keras and compared with Keras."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo.export import Runner, predictor
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.formats import FORMATS
from keras_bert_zoo.export.measurement import measure

PAIRS = ("the fox", "", "no change at all; " * 40, "up", "shares fall", "the price of the dog")


@pytest.fixture(scope="module")
def run():
    """Batches through one signature of an artifact, in its runtime."""

    def measured(artifact, name, *batches):
        signature = {s.name: s for s in artifact.signatures}[name]
        return measure(artifact, [signature], batches).outputs

    return measured


def serialized(text, *text_pairs):
    values = {"text": [text.encode()], "text_pair": [pair.encode() for pair in text_pairs]}
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
        for name, value in values.items()
        if value
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(
        deterministic=True
    )


def scores_of(bundle, text, text_pair=None):
    pairs = None if text_pair is None else [text_pair]
    inputs = bundle.tokenizer([text], pairs, truncation=True, max_length=80, padding=True)
    return tf.nn.softmax(bundle.model(inputs, training=False)["logits"]).numpy()[0]


def test_the_manifest_lists_every_signature(artifacts):
    names = [signature.name for signature in artifacts["savedmodel"].signatures]
    assert names == ["ids", "serving_default", "pairs", "tf_examples"]
    assert [s.name for s in artifacts["savedmodel-ids"].signatures] == ["ids"]
    loaded = tf.saved_model.load(str(artifacts["savedmodel"].file))
    assert sorted(loaded.signatures) == sorted(names)


@pytest.fixture(scope="module")
def asked(artifacts, texts):
    """Pairs; then batches of pairs, of single texts, and of both in turn, as protos."""
    pairs = list(zip(texts, PAIRS, strict=True))
    singles = [(text,) for text in texts]
    mixed = [rows[number % 2] for number, rows in enumerate(zip(singles, pairs, strict=True))]
    batches = [pairs, singles, mixed]
    inputs = [{"examples": [serialized(*row) for row in batch]} for batch in batches]
    named = {signature.name: signature for signature in artifacts["savedmodel"].signatures}
    signatures = [named["pairs"], named["tf_examples"]]
    calls = [{"text": texts, "text_pair": PAIRS}, *inputs]
    return batches, measure(artifacts["savedmodel"], signatures, calls).outputs


def test_pairs_are_scored_as_in_keras(asked, keras_bundle, texts):
    outputs = asked[1][0]
    expected = [scores_of(keras_bundle, *pair) for pair in zip(texts, PAIRS, strict=True)]
    np.testing.assert_allclose(outputs["scores"], expected, atol=1e-5)
    labels = np.array(keras_bundle.config.labels)
    assert (outputs["label"] == labels[np.argmax(expected, axis=-1)]).all()


def test_examples_may_mix_texts_and_pairs(asked, keras_bundle):
    batches, (_, *answers) = asked
    for batch, outputs in zip(batches, answers, strict=True):
        expected = [scores_of(keras_bundle, *row) for row in batch]
        np.testing.assert_allclose(outputs["scores"], expected, atol=1e-5)


def test_a_single_text_is_not_a_pair_with_an_empty_one(keras_bundle):
    # Otherwise the mixed batches above would prove nothing.
    assert np.abs(scores_of(keras_bundle, "up") - scores_of(keras_bundle, "up", "")).max() > 1e-4


@pytest.fixture(scope="module")
def tf_examples(artifacts):
    """The signature in this process: errors look the same in every one."""
    model = tf.saved_model.load(str(artifacts["savedmodel"].file))
    yield model.signatures["tf_examples"]
    del model


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (b"no proto", "Could not parse example"),
        (b"", "Feature: text .* is required"),
        (serialized("up", "a", "b"), "at most 1 value of the feature"),
    ],
)
def test_a_wrong_example_is_refused(tf_examples, row, complaint):
    with pytest.raises(tf.errors.InvalidArgumentError, match=complaint):
        tf_examples(examples=tf.constant([serialized("up", "a"), row]))


@pytest.mark.slow
def test_texts_are_cut_where_they_were_in_the_training(run, make_bundle, texts, tmp_path):
    directory = make_bundle(tmp_path / "trained")
    config = json.loads((directory / "config.json").read_text())
    config["task_specific_params"] = {"sequence_classification": {"max_length": 6}}
    (directory / "config.json").write_text(json.dumps(config))
    formats = ["savedmodel", "tflite-text"]
    server, phone = export(directory, tmp_path, formats, progress=False)
    assert phone.options["lengths"] == [6]
    asked = [answer["scores"] for answer in predictor(server)(list(texts))]
    expected = [list(each.values()) for each in asked]
    served = Runner(server)({"text": list(texts)})
    np.testing.assert_allclose(served["scores"], expected, atol=1e-5)
    on_phone = run(phone, phone.signatures[0].name, *({"text": [text]} for text in texts))
    np.testing.assert_allclose([each["scores"][0] for each in on_phone], expected, atol=1e-5)


@pytest.mark.slow
def test_encoders_embed_texts_pairs_and_examples(run, make_bundle, texts, tmp_path):
    directory = make_bundle(tmp_path / "encoder", problem_type=None)
    (artifact,) = export(directory, tmp_path, ["savedmodel"], progress=False)
    bundle = keras_bert_zoo.load(directory)
    inputs = bundle.tokenizer(
        list(texts), list(PAIRS), truncation=True, max_length=80, padding=True
    )
    hidden = bundle.model(inputs, training=False)["last_hidden_state"].numpy()
    mask = inputs["attention_mask"].numpy()[:, :, None]
    expected = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    (pairs,) = run(artifact, "pairs", {"text": texts, "text_pair": PAIRS})
    rows = [serialized(*pair) for pair in zip(texts, PAIRS, strict=True)]
    (examples,) = run(artifact, "tf_examples", {"examples": rows})
    np.testing.assert_allclose(pairs["embeddings"], expected, atol=1e-5)
    np.testing.assert_allclose(examples["embeddings"], expected, atol=1e-5)


def test_a_model_of_one_segment_takes_pairs(tiny_config, keras_bundle, texts, tmp_path):
    from keras_bert_zoo.bundle import Bundle
    from keras_bert_zoo.models import BertEncoder

    words = len(keras_bundle.tokenizer.vocabulary)
    config = tiny_config.replace(vocab_size=words, type_vocab_size=1)
    bundle = Bundle(BertEncoder(config), keras_bundle.tokenizer, config)
    signatures = FORMATS["savedmodel"].export(bundle, tmp_path / "model")
    assert [len(s.inputs) for s in signatures] == [2, 1, 2, 1]
    pairs = tf.saved_model.load(str(tmp_path / "model")).signatures["pairs"]
    found = pairs(text=tf.constant(texts), text_pair=tf.constant(PAIRS))["embeddings"]
    inputs = bundle.tokenizer(
        list(texts), list(PAIRS), truncation=True, max_length=20, padding=True
    )
    hidden = bundle.model(inputs)["last_hidden_state"].numpy()
    mask = inputs["attention_mask"].numpy()[:, :, None]
    np.testing.assert_allclose(found, (hidden * mask).sum(axis=1) / mask.sum(axis=1), atol=1e-5)
