"""The encoder against stored outputs of `transformers` (tests/golden/make_golden.py)."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from keras_bert_zoo import bundle
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
OUTPUTS = ("last_hidden_state", "pooler_output", "hidden_states", "attentions")


@pytest.fixture(scope="module")
def published() -> BertEncoder:
    return bundle.load(GOLDEN / "bert", output_hidden_states=True, output_attentions=True).model


def compare(model: BertEncoder, path: pathlib.Path, tolerance: float) -> None:
    stored = np.load(path)
    inputs = {name: stored[f"input.{name}"] for name in model.input}
    outputs = model(inputs)
    for name in OUTPUTS:
        ours = np.stack([np.array(part) for part in outputs[name]])
        assert ours.shape == stored[name].shape, name
        np.testing.assert_allclose(ours, stored[name], rtol=0, atol=tolerance, err_msg=name)


def test_every_output_equals_transformers(published: BertEncoder) -> None:
    compare(published, GOLDEN / "bert/outputs.npz", 1e-5)


def test_tanh_gelu_equals_transformers(published: BertEncoder) -> None:
    config = published.config.replace(hidden_act="gelu_new")
    model = BertEncoder(config, output_hidden_states=True, output_attentions=True)
    model.set_weights(published.get_weights())
    compare(model, GOLDEN / "bert/outputs_gelu_new.npz", 1e-5)


def test_the_goldens_tell_the_gelus_apart(published: BertEncoder) -> None:
    with pytest.raises(AssertionError):
        compare(published, GOLDEN / "bert/outputs_gelu_new.npz", 1e-5)


def test_the_config_of_transformers_5_is_written_back() -> None:
    config = EncoderConfig.from_file(GOLDEN / "bert/config.json")
    assert config.extra["transformers_version"].startswith("5.")
    assert config.extra["architectures"] == ["BertModel"]
    assert EncoderConfig.from_dict(config.to_dict()) == config
