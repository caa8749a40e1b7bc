"""The pretraining heads beside live `transformers` models with the same random weights."""

from __future__ import annotations

import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, gradients_of, reference, torch_inputs

from keras_bert_zoo import bundle

pytestmark = pytest.mark.parity
CLASSES = {"pretraining": "BertForPreTraining", "masked_lm": "BertForMaskedLM"}


@pytest.fixture
def batch(make_batch):
    inputs = make_batch((12, 9, 5, 4), width=12)
    positions = np.array([[1, 4, 11], [2, 8, 0], [3, 0, 0], [1, 2, 0]], "int32")
    weights = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 0]], "float32")
    words = np.random.default_rng(0).integers(5, 61, positions.shape).astype("int32")
    return {**inputs, "masked_positions": positions}, words, weights, np.array([0, 1, 1, 0])


def dense_labels(inputs, words, weights):
    labels = np.full(inputs["input_ids"].shape, -100)
    for row in range(len(words)):
        for position, word, weight in zip(
            inputs["masked_positions"][row], words[row], weights[row], strict=True
        ):
            if weight:
                labels[row, position] = word
    return labels


@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("activation", ["gelu", "gelu_new"])
def test_logits_loss_and_gradients(task, activation, tmp_path, batch, tiny_config):
    import tensorflow as tf
    import torch

    inputs, words, weights, following = batch
    theirs = reference(CLASSES[task], tiny_config, hidden_act=activation)
    theirs.save_pretrained(tmp_path)
    ours = bundle.load(tmp_path, task=task).model
    ours.compile("sgd")

    labels = {"labels": torch.from_numpy(dense_labels(inputs, words, weights))}
    y, w = {"prediction_logits": words}, {"prediction_logits": weights}
    if task == "pretraining":
        labels["next_sentence_label"] = torch.from_numpy(following)
        y["seq_relationship_logits"] = following
        w["seq_relationship_logits"] = np.ones(len(following), "float32")
    encoder_inputs = {k: v for k, v in inputs.items() if k != "masked_positions"}
    expected = theirs(**torch_inputs(encoder_inputs), **labels)
    expected.loss.backward()

    with tf.GradientTape() as tape:
        outputs = ours(inputs, training=False)
        loss = ours.compute_loss(inputs, y, outputs, w)
    logits = (expected.prediction_logits if task == "pretraining" else expected.logits).detach()
    rows = np.take_along_axis(logits.numpy(), inputs["masked_positions"][..., None], axis=1)
    np.testing.assert_allclose(outputs["prediction_logits"], rows, rtol=0, atol=1e-5)
    assert float(loss) == pytest.approx(expected.loss.item(), rel=1e-6)

    check_gradients(ours, gradients_by_variable(ours, loss, tape), gradients_of(theirs))


@pytest.mark.parametrize("task", CLASSES)
def test_transformers_reads_what_we_save(task, tmp_path, batch, tiny_config):
    import torch
    import transformers

    inputs, *_ = batch
    theirs = reference(CLASSES[task], tiny_config)
    theirs.save_pretrained(tmp_path / "theirs")
    model = bundle.load(tmp_path / "theirs", task=task).model
    bundle.save(model, None, tmp_path / "ours")
    again = getattr(transformers, CLASSES[task]).from_pretrained(tmp_path / "ours").eval()
    automatic = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "ours").eval()
    given = torch_inputs({k: v for k, v in inputs.items() if k != "masked_positions"})
    with torch.no_grad():
        expected, found = (m(**given)[0].numpy() for m in (theirs, again))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        np.testing.assert_allclose(automatic(**given)[0].numpy(), expected, rtol=0, atol=1e-5)
