"""The model that summarises: what its numbers depend on, and how it is kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from keras_bert_zoo import bundle
from keras_bert_zoo.models import BertEncoder, ExtractiveSummarizer

CLS = 7


@pytest.fixture(scope="module")
def batch(make_batch):
    """Rows with a [CLS] first and at two or three places more."""
    rows = make_batch((12, 9, 7), width=12)
    rows["input_ids"][rows["input_ids"] == CLS] = CLS + 1
    for row, places in enumerate([(0, 4, 5, 9), (0, 3, 6), (0, 2)]):
        rows["input_ids"][row, list(places)] = CLS
    return rows


@pytest.fixture(scope="module")
def model(tiny_config, randomise):
    return randomise(ExtractiveSummarizer(BertEncoder(tiny_config, add_pooling_layer=False)))


def test_it_takes_the_inputs_of_its_encoder_and_answers_for_each_token(model, batch):
    assert set(model.input) == {"input_ids", "attention_mask", "token_type_ids"}
    assert all(x.dtype == "int32" and x.shape == (None, None) for x in model.input.values())
    assert model(batch)["logits"].shape == (3, 12)


def test_sentences_see_each_other_through_their_first_tokens_alone(model, batch):
    """The layers on top of the encoder, asked with hidden states of our own."""
    last = model.encoder.output["last_hidden_state"]
    head = {layer.name: layer for layer in model.layers}
    generator = np.random.default_rng(0)
    hidden = generator.standard_normal((1, 12, last.shape[-1])).astype("float32")
    starts = np.array([[1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0]], "int32")

    def scores(hidden):
        x = head["sentence_positions"](hidden, starts)
        bias = head["sentence_bias"](starts)
        for name in ("layer_0", "layer_1"):
            x, _ = head[name](x, bias)
        return np.array(head["classifier"](x))[0, starts[0] == 1, 0]

    expected = scores(hidden)
    other = hidden.copy()
    other[:, starts[0] == 0] += 1.0
    np.testing.assert_array_equal(scores(other), expected)
    other = hidden.copy()
    other[:, 5] = -other[:, 5]
    assert np.all(scores(other) != expected)


def test_padding_changes_nothing(model, batch):
    wide = {name: np.pad(values, ((0, 0), (0, 5))) for name, values in batch.items()}
    starts = batch["input_ids"] == CLS
    found = np.array(model(wide)["logits"])[:, :12]
    np.testing.assert_allclose(found[starts], np.array(model(batch)["logits"])[starts], atol=1e-5)


def test_it_is_kept_as_a_bundle(model, batch, tmp_path):
    saved = bundle.save(model, None, tmp_path / "bundle")
    again = bundle.load(saved, fresh_head=False).model
    assert type(again) is ExtractiveSummarizer
    np.testing.assert_array_equal(again(batch)["logits"], model(batch)["logits"])
    assert bundle.trained_for(saved) == "extractive_summarization"
    # For other tasks it is an encoder without a head of theirs.
    other = bundle.load(saved, task="token_classification", labels=["a", "b"]).model
    for one, two in zip(other.encoder.weights, model.encoder.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_shown_score_tells_low_chances_apart(model):
    generator = np.random.default_rng(0)
    labels = (generator.random((100, 30)) < 0.04).astype("int32")
    logits = (generator.normal(-3.2, 0.05, (100, 30)) + 0.05 * labels).astype("float32")
    weights = generator.integers(0, 2, (100, 30))
    [metric] = model.metrics_by_output()["logits"]
    metric.update_state(labels, logits, weights)
    expected = roc_auc_score(labels.ravel(), logits.ravel(), sample_weight=weights.ravel())
    assert float(metric.result()) == pytest.approx(expected, abs=0.01)
    assert expected > 0.6


def test_labels_of_other_tokens_count_for_nothing(model, batch):
    model.compile("sgd")
    starts = batch["input_ids"] == CLS
    outputs = model(batch)
    labels = np.zeros((3, 12), "int32")
    weights = {"logits": starts.astype("float32")}
    expected = model.compute_loss(batch, {"logits": labels}, outputs, weights)
    logits = np.array(outputs["logits"], "float64")[starts]
    np.testing.assert_allclose(float(expected), np.log1p(np.exp(logits)).mean(), rtol=1e-5)
    labels[~starts] = 1
    assert float(model.compute_loss(batch, {"logits": labels}, outputs, weights)) == float(expected)
