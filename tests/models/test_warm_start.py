"""What begins with the weights of an encoder: both sides of a BERT2BERT, and UniLM."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo import bundle
from keras_bert_zoo.models import TASKS, BertEncoder, encoder_of
from keras_bert_zoo.models.warm_start import bert2bert, prefix_lm

IDS = {"decoder_start_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}


@pytest.fixture(scope="module", params=[False, True], ids=["apart", "tied"])
def started(tiny_config, randomise, request):
    masked = randomise(TASKS["masked_lm"](BertEncoder(tiny_config, add_pooling_layer=False)))
    return masked, bert2bert(masked, IDS, tied=request.param)


def test_every_weight_but_those_across_is_the_encoders(started):
    masked, made = started
    known = {variable.path: np.asarray(variable) for variable in masked.weights}
    used = set()
    for variable in made.weights:
        if "cross_" in variable.path:
            continue
        origin = variable.path.removeprefix("decoder/")
        origin = f"encoder/{origin}" if origin.startswith("layer_") else origin
        np.testing.assert_array_equal(variable, known[origin])
        used.add(origin)
    assert used == set(known)
    assert made.config.token_ids == IDS


def test_a_new_decoder_has_the_encoders_words_alone(tiny_config, randomise):
    masked = randomise(TASKS["masked_lm"](BertEncoder(tiny_config, add_pooling_layer=False)))
    sizes = {"num_hidden_layers": 3, "intermediate_size": 40}
    made = bert2bert(masked, IDS, new_decoder=sizes)
    assert {name: getattr(made.decoder.config, name) for name in sizes} == sizes
    assert made.config.encoder == masked.encoder.config
    known = {variable.path: np.asarray(variable) for variable in masked.weights}
    layers = [v for v in made.weights if v.path.startswith("decoder/layer_")]
    assert {path.split("/")[1] for path in (v.path for v in layers)} == {
        f"layer_{index}" for index in range(3)
    }
    kernels = [np.asarray(v) for v in layers if v.path.endswith("kernel")]
    # Those of the encoder are larger here.
    assert max(np.abs(kernel).max() for kernel in kernels) < 0.05
    for variable in made.weights:
        if not variable.path.startswith("decoder/layer_"):
            origin = variable.path.removeprefix("decoder/")
            np.testing.assert_array_equal(variable, known[origin])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"new_decoder": {"hidden_size": 8}}, r"new_decoder may hold.*received \['hidden_size'\]"),
        ({"new_decoder": {}, "tied": True}, "leave tie_encoder_decoder out"),
    ],
)
def test_a_new_decoder_that_cannot_be(tiny_config, options, message):
    masked = TASKS["masked_lm"](BertEncoder(tiny_config, add_pooling_layer=False))
    with pytest.raises(ValueError, match=message):
        bert2bert(masked, IDS, **options)


def test_another_architecture_is_refused(tiny_config):
    other = encoder_of(tiny_config.replace(model_type="roberta", pad_token_id=1))
    with pytest.raises(ValueError, match=r"Only BERT.*received an encoder of model_type 'roberta'"):
        bert2bert(TASKS["masked_lm"](other), IDS)


def test_what_reads_a_prefix_scores_words_as_bert_does(tiny_config, randomise, make_batch):
    masked = randomise(TASKS["masked_lm"](BertEncoder(tiny_config, add_pooling_layer=False)))
    made = prefix_lm(masked, {"bos_token_id": 2, "sep_token_id": 3, "eos_token_id": 3})
    assert made.config.prefix and made.config.extra["sep_token_id"] == 3
    batch = {**make_batch(), "token_type_ids": np.zeros((4, 12), "int32")}
    positions = np.tile(np.arange(12, dtype="int32"), (4, 1))
    expected = masked({**batch, "masked_positions": positions})["prediction_logits"]
    seen = batch["attention_mask"] > 0
    found = np.array(made(batch)["logits"])
    np.testing.assert_allclose(found[seen], np.array(expected)[seen], rtol=0, atol=1e-5)


@pytest.mark.parity
def test_it_is_what_transformers_makes_of_the_encoder(started, randomise, tmp_path):
    import torch
    import transformers

    masked, made = started
    bundle.save(masked, None, tmp_path / "bert")
    theirs = transformers.EncoderDecoderModel.from_encoder_decoder_pretrained(
        str(tmp_path / "bert"), str(tmp_path / "bert")
    ).eval()
    theirs.config.update(IDS)
    theirs.save_pretrained(tmp_path / "theirs")
    expected = bundle.load(tmp_path / "theirs").model
    across = {v.path: v for v in expected.weights if "cross_" in v.path}
    # What attends across is random on both sides: theirs is taken, and all else must agree.
    for variable in made.weights:
        if variable.path in across:
            variable.assign(across[variable.path])
    random = np.random.default_rng(0)
    arrays = {
        "input_ids": random.integers(4, 61, (2, 7)),
        "decoder_input_ids": random.integers(4, 61, (2, 5)),
        "attention_mask": np.ones((2, 7), "int64"),
        "decoder_attention_mask": np.ones((2, 5), "int64"),
    }
    with torch.no_grad():
        logits = theirs(**{name: torch.from_numpy(x) for name, x in arrays.items()}).logits
    ours = made({**arrays, "token_type_ids": np.zeros((2, 7), "int32")})["logits"]
    np.testing.assert_allclose(ours, logits.numpy(), rtol=1e-5, atol=1e-5)
