"""The head for answers beside live `transformers` models with the same random weights."""

from __future__ import annotations

import numpy as np
import pytest
from published import check_gradients, gradients_by_variable, gradients_of, reference, torch_inputs

from keras_bert_zoo import bundle

pytestmark = pytest.mark.parity
TASK = "question_answering"
OUTPUTS = ("start_logits", "end_logits")


@pytest.fixture(scope="module")
def published(tiny_config, tmp_path_factory):
    """A model of `transformers`, and its directory."""
    model = reference("BertForQuestionAnswering", tiny_config)
    directory = tmp_path_factory.mktemp("published")
    model.save_pretrained(directory)
    return model, directory


def test_logits_loss_and_gradients(published, make_batch):
    import tensorflow as tf
    import torch

    theirs, directory = published
    ours = bundle.load(directory).model  # by what its config says it is
    ours.compile("sgd")
    inputs = make_batch((12, 9, 5, 4), width=12)
    labels = {"start_logits": np.array([3, 0, 2, 1]), "end_logits": np.array([7, 0, 2, 3])}
    weights = {name: np.ones(4, "float32") for name in OUTPUTS}

    expected = theirs(
        **torch_inputs(inputs),
        start_positions=torch.from_numpy(labels["start_logits"]),
        end_positions=torch.from_numpy(labels["end_logits"]),
    )
    expected.loss.backward()
    with tf.GradientTape() as tape:
        outputs = ours(inputs, training=False)
        loss = ours.compute_loss(inputs, labels, outputs, weights)
    for name in OUTPUTS:
        found = expected[name].detach().numpy()
        np.testing.assert_allclose(outputs[name], found, rtol=0, atol=1e-5)
    assert float(loss) == pytest.approx(expected.loss.item(), rel=1e-6)

    wanted = gradients_of(theirs)
    gradients = gradients_by_variable(ours, loss, tape)
    # `[PAD]` is a place where an answer might be, for both; but torch (`padding_idx`) never
    # learns its row, where Google's code does.
    words = wanted["bert.embeddings.word_embeddings.weight"]
    assert not words[0].any()
    words[0] = torch.from_numpy(gradients["embeddings/word_embeddings"][0])
    check_gradients(ours, gradients, wanted)


def test_transformers_reads_what_we_save(published, make_batch, tmp_path):
    import torch
    import transformers

    theirs, directory = published
    bundle.save(bundle.load(directory, task=TASK).model, None, tmp_path / "ours")
    again, report = transformers.BertForQuestionAnswering.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    automatic = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "ours")
    given = torch_inputs(make_batch())
    with torch.no_grad():
        for name in OUTPUTS:
            expected = theirs(**given)[name].numpy()
            for model in (again.eval(), automatic.eval()):
                found = model(**given)[name].numpy()
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
