"""Heads beside live `transformers` models with the same random weights."""

from __future__ import annotations

import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, gradients_of, reference, torch_inputs

from keras_bert_zoo import bundle

pytestmark = pytest.mark.parity


def beside(task, kind, tmp_path, config, inputs, labels, ours_labels, **choices):
    """Outputs, loss and gradients are those of both, and `transformers` reads the bundle."""
    import tensorflow as tf
    import torch
    import transformers

    theirs = reference(kind, config, **choices)
    theirs.save_pretrained(tmp_path / "theirs")
    model = bundle.load(tmp_path / "theirs", task=task).model
    model.compile("sgd")
    expected = theirs(**torch_inputs(inputs), **torch_inputs(labels))
    expected.loss.backward()
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=False)
        loss = model.compute_loss(inputs, ours_labels, outputs)
    check_gradients(model, gradients_by_variable(model, loss, tape), gradients_of(theirs))
    for name, values in outputs.items():
        wanted = expected[name].detach().numpy()
        np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-5)
    np.testing.assert_allclose(loss, expected.loss.item(), rtol=1e-5)

    saved = bundle.save(model, None, tmp_path / "ours")
    again = getattr(transformers, kind).from_pretrained(saved).eval()
    with torch.no_grad():
        answers = again(**torch_inputs(inputs))
    for name, values in outputs.items():
        np.testing.assert_allclose(values, answers[name].numpy(), rtol=0, atol=1e-5)


def test_token_classification(tmp_path, make_batch, tiny_config):
    inputs = make_batch((12, 9, 5, 2))
    labels = np.random.default_rng(0).integers(0, 3, (4, 12))
    labels[inputs["attention_mask"] == 0] = -100
    labels[0, 3:6] = -100
    names = {0: "O", 1: "B-X", 2: "I-X"}
    beside(
        "token_classification",
        "BertForTokenClassification",
        tmp_path,
        tiny_config,
        inputs,
        {"labels": labels},
        {"logits": labels},
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
