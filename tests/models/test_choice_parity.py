"""Choices and next sentences beside live `transformers` models with the same random weights."""

from __future__ import annotations

import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, gradients_of, reference, torch_inputs

from keras_bert_zoo import bundle

pytestmark = pytest.mark.parity
CLASSES = {
    "multiple_choice": "BertForMultipleChoice",
    "next_sentence": "BertForNextSentencePrediction",
}
LABELS = {"multiple_choice": np.array([2, 0]), "next_sentence": np.array([0, 1, 1, 0, 1, 0])}


@pytest.fixture
def batches(make_batch):
    """Six rows; for choices, two questions of three choices each."""
    rows = make_batch((12, 9, 5, 4, 2, 12), width=12)
    grouped = {name: values.reshape(2, 3, 12) for name, values in rows.items()}
    return {"multiple_choice": grouped, "next_sentence": rows}


def answer(model, batch, labels=None):
    import torch

    return model(**torch_inputs(batch), labels=None if labels is None else torch.from_numpy(labels))


@pytest.mark.parametrize("task", CLASSES)
def test_logits_loss_and_gradients(task, tmp_path, batches, tiny_config):
    import tensorflow as tf

    batch, labels = batches[task], LABELS[task]
    theirs = reference(CLASSES[task], tiny_config)
    theirs.save_pretrained(tmp_path)
    ours = bundle.load(tmp_path, task=task, fresh_head=False).model
    ours.compile("sgd")
    expected = answer(theirs, batch, labels)
    expected.loss.backward()

    with tf.GradientTape() as tape:
        outputs = ours(batch, training=False)
        loss = ours.compute_loss(batch, {"logits": labels.astype("int32")}, outputs)
    np.testing.assert_allclose(outputs["logits"], expected.logits.detach(), rtol=0, atol=1e-5)
    assert float(loss) == pytest.approx(expected.loss.item(), rel=1e-6)

    check_gradients(ours, gradients_by_variable(ours, loss, tape), gradients_of(theirs))


@pytest.mark.parametrize("task", CLASSES)
def test_transformers_reads_what_we_save(task, tmp_path, batches, tiny_config, randomise):
    import torch
    import transformers

    from keras_bert_zoo.models import TASKS, BertEncoder

    model = randomise(TASKS[task](BertEncoder(tiny_config)))
    bundle.save(model, None, tmp_path)
    kind = {
        "multiple_choice": transformers.AutoModelForMultipleChoice,
        "next_sentence": transformers.AutoModelForNextSentencePrediction,
    }[task]
    again = kind.from_pretrained(tmp_path).eval()
    assert type(again).__name__ == CLASSES[task]
    with torch.no_grad():
        expected = answer(again, batches[task]).logits.numpy()
    np.testing.assert_allclose(model(batches[task])["logits"], expected, rtol=0, atol=1e-5)


def test_next_sentences_of_a_pretraining_checkpoint(tmp_path, batches, tiny_config):
    theirs = reference("BertForPreTraining", tiny_config)
    theirs.save_pretrained(tmp_path)
    ours = bundle.load(tmp_path, task="next_sentence", fresh_head=False).model
    expected = answer(theirs, batches["next_sentence"]).seq_relationship_logits.detach()
    found = ours(batches["next_sentence"])["logits"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
