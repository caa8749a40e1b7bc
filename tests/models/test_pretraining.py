"""Pretraining heads: which positions count, what is shared, saving, and refusals."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import safetensors.numpy

import keras_bert_zoo
from keras_bert_zoo import BertEncoder, PretrainingModel, bundle
from keras_bert_zoo.checkpoints.tensors import CheckpointError


@pytest.fixture
def batch(make_batch):
    inputs = make_batch((12, 9, 5, 4), width=12)
    positions = np.array([[1, 4, 11], [2, 8, 0], [3, 0, 0], [1, 2, 0]], "int32")
    return {**inputs, "masked_positions": positions}


def labels(batch, config, following=True):
    words = np.random.default_rng(0).integers(5, config.vocab_size, batch["masked_positions"].shape)
    y = {"prediction_logits": words.astype("int32")}
    w = {"prediction_logits": (batch["masked_positions"] > 0).astype("float32")}
    if following:
        y["seq_relationship_logits"] = np.array([0, 1, 1, 0], "int32")
        w["seq_relationship_logits"] = np.ones(4, "float32")
    return y, w


@pytest.fixture
def model(tiny_config, randomise):
    return randomise(PretrainingModel(BertEncoder(tiny_config)))


def test_logits_are_of_the_positions_asked_for(model, batch):
    every = np.tile(np.arange(12, dtype="int32"), (4, 1))
    dense = np.array(model({**batch, "masked_positions": every})["prediction_logits"])
    chosen = np.array(model(batch)["prediction_logits"])
    expected = np.take_along_axis(dense, batch["masked_positions"][..., None], axis=1)
    np.testing.assert_allclose(chosen, expected, atol=1e-5)
    assert np.array(model(batch)["seq_relationship_logits"]).shape == (4, 2)


def test_the_decoder_is_the_word_table(model, batch, tiny_config):
    paths = [variable.path for variable in model.weights]
    assert len(paths) == len(set(paths))
    assert sum("word_embeddings" in path for path in paths) == 1
    before = np.array(model(batch)["prediction_logits"])
    table = next(v for v in model.weights if v.path.endswith("word_embeddings"))
    # A word that is in no text: only its own score can change.
    unseen = next(i for i in range(tiny_config.vocab_size) if i not in batch["input_ids"])
    changed = np.array(table)
    changed[unseen] += 1
    table.assign(changed)
    moved = np.array(model(batch)["prediction_logits"]) != before
    assert moved[..., unseen].all() and not np.delete(moved, unseen, axis=-1).any()


def test_places_of_weight_zero_do_not_count(model, batch):
    model.compile("sgd")
    y, w = labels(batch, model.config)
    losses = []
    for wrong in (0, 3):
        words = np.where(w["prediction_logits"] > 0, y["prediction_logits"], wrong)
        losses.append(
            float(
                model.evaluate(
                    batch, {**y, "prediction_logits": words}, sample_weight=w, verbose=0
                )[0]
            )
        )
    assert losses[0] == losses[1]


@pytest.mark.parametrize("next_sentence", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_fit_learns(tiny_config, batch, next_sentence):
    keras.utils.set_random_seed(1)
    config = tiny_config.replace(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    encoder = BertEncoder(config, add_pooling_layer=next_sentence)
    model = PretrainingModel(encoder, next_sentence=next_sentence)
    model.compile(keras.optimizers.Adam(0.01))
    y, w = labels(batch, config, next_sentence)
    # One batch again and again; TensorFlow slices it by itself.
    history = model.fit(batch, y, sample_weight=w, epochs=25, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    name = "prediction_logits_masked_accuracy" if next_sentence else "masked_accuracy"
    assert history[name][-1] == 1


def test_keras_file_keeps_everything(model, batch, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for name, values in model(batch).items():
        np.testing.assert_array_equal(np.array(again(batch)[name]), np.array(values))


@pytest.mark.parametrize("task", ["pretraining", "masked_lm"])
def test_bundle_keeps_everything(tiny_config, randomise, batch, task, tmp_path):
    wants = task == "pretraining"
    encoder = BertEncoder(tiny_config, add_pooling_layer=wants)
    model = randomise(PretrainingModel(encoder, next_sentence=wants))
    bundle.save(model, None, tmp_path / "saved")
    again = keras_bert_zoo.load(tmp_path / "saved", task=task).model
    for name, values in model(batch).items():
        np.testing.assert_array_equal(np.array(again(batch)[name]), np.array(values))
    # Without a task it is the encoder that was pretrained.
    plain = keras_bert_zoo.load(tmp_path / "saved").model
    assert isinstance(plain, BertEncoder)


def test_fine_tuning_starts_from_it(model, tmp_path):
    bundle.save(model, None, tmp_path / "saved")
    options = {"task": "sequence_classification", "labels": ["no", "yes"]}
    classifier = keras_bert_zoo.load(tmp_path / "saved", **options).model
    ours = {v.path: np.array(v) for v in model.encoder.weights}
    theirs = {v.path: np.array(v) for v in classifier.encoder.weights}
    assert ours.keys() == theirs.keys()
    assert all((ours[path] == theirs[path]).all() for path in ours)


def test_refusals(tiny_config, model, tmp_path):
    with pytest.raises(ValueError, match=r"no pooler_output.*next_sentence=False"):
        PretrainingModel(BertEncoder(tiny_config, add_pooling_layer=False))
    bundle.save(model, None, tmp_path / "saved")
    with pytest.raises(ValueError, match="'masked_lm' has no labels"):
        keras_bert_zoo.load(tmp_path / "saved", task="masked_lm", labels=["a", "b"])
    bundle.save(BertEncoder(tiny_config), None, tmp_path / "encoder")
    with pytest.raises(ValueError, match="no trained head for 'pretraining'"):
        keras_bert_zoo.load(tmp_path / "encoder", task="pretraining", fresh_head=False)


def test_a_decoder_of_its_own_is_refused(model, tmp_path):
    bundle.save(model, None, tmp_path / "saved")
    path = tmp_path / "saved" / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    table = tensors["bert.embeddings.word_embeddings.weight"]
    for decoder, fits in ((table.copy(), True), (table + 1, False)):
        safetensors.numpy.save_file({**tensors, "cls.predictions.decoder.weight": decoder}, path)
        if fits:
            keras_bert_zoo.load(tmp_path / "saved", task="masked_lm")
            continue
        with pytest.raises(CheckpointError, match=r"decoder.weight differs from embeddings.word"):
            keras_bert_zoo.load(tmp_path / "saved", task="masked_lm")
        keras_bert_zoo.load(tmp_path / "saved")  # where the head stays unread it does not matter
