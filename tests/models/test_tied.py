"""Encoder and decoder that share their weights."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.numpy
from writers import CONFIGS, inputs_of, tiny_writer

from keras_bert_zoo import bundle
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.generator_config import Seq2SeqConfig
from keras_bert_zoo.models import encoder_decoder_of

APART = {**CONFIGS["tied"], "tie_encoder_decoder": False}


@pytest.fixture
def tied():
    return tiny_writer("tied")


def logits(model):
    return np.asarray(model(inputs_of(model))["logits"])


def test_a_decoder_adds_what_attends_across_and_its_head(tied):
    apart = encoder_decoder_of(Seq2SeqConfig.from_dict(APART))
    assert tied.count_params() == apart.count_params() - tied.encoder.count_params()
    own = {weight.path for weight in tied.weights} - {w.path for w in tied.encoder.weights}
    assert all("/cross_" in path or path.startswith("decoder/predictions/") for path in own)


def test_numbers_are_those_of_two_equal_sides(tied):
    apart = encoder_decoder_of(Seq2SeqConfig.from_dict(APART))
    known = {weight.path: weight for weight in tied.weights}
    for weight in apart.weights:
        shared = weight.path.removeprefix("decoder/")
        shared = f"encoder/{shared}" if shared.startswith("layer_") else shared
        weight.assign(known[weight.path if weight.path in known else shared])
    np.testing.assert_array_equal(logits(tied), logits(apart))


@pytest.mark.slow
def test_training_moves_both_sides_and_a_directory_has_them_twice(tied, tmp_path):
    arrays = inputs_of(tied)
    before = logits(tied)
    tied.compile("sgd", jit_compile=False)
    tied.fit(arrays, {"logits": arrays["decoder_input_ids"]}, epochs=1, verbose=0)
    place = bundle.save(tied, None, tmp_path / "tied")
    again = bundle.load(place).model
    assert again.config.tied and again.count_params() == tied.count_params()
    np.testing.assert_array_equal(logits(again), logits(tied))
    assert np.abs(logits(again) - before).max() > 1e-3
    stored = safetensors.numpy.load_file(place / "model.safetensors")
    for name in [name for name in stored if name.startswith("encoder.")]:
        np.testing.assert_array_equal(stored[name], stored[f"decoder.bert.{name[8:]}"])


def test_a_directory_may_have_them_once_and_never_two_kinds(tied, tmp_path):
    place = bundle.save(tied, None, tmp_path / "tied")
    file = place / "model.safetensors"
    stored = safetensors.numpy.load_file(file)
    once = {name: x for name, x in stored.items() if not name.startswith("encoder.")}
    safetensors.numpy.save_file(once, file)
    np.testing.assert_array_equal(logits(bundle.load(place).model), logits(tied))
    name = "encoder.encoder.layer.0.output.dense.weight"
    safetensors.numpy.save_file({**stored, name: stored[name] + 1}, file)
    with pytest.raises(CheckpointError, match=f"{name} differs from decoder.bert"):
        bundle.load(place)


def test_a_model_is_made_again(tied):
    again = type(tied).from_config(tied.get_config())
    assert [weight.path for weight in again.weights] == [weight.path for weight in tied.weights]


@pytest.mark.parametrize(
    "values",
    [
        {**CONFIGS["encoder-decoder"], "tie_encoder_decoder": True},
        {**CONFIGS["marian"], "tie_encoder_decoder": True},
    ],
    ids=["other sizes", "another architecture"],
)
def test_sides_that_differ_cannot_be_tied(values):
    with pytest.raises(ConfigError, match="tie_encoder_decoder needs two sides"):
        Seq2SeqConfig.from_dict(values)


def test_only_an_encoder_is_made_one(tied, tmp_path):
    place = bundle.save(tied, None, tmp_path / "tied")
    with pytest.raises(ValueError, match="A model that writes has its sides in its config"):
        bundle.load(place, task="seq2seq", tie_encoder_decoder=True)
