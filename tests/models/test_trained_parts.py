"""Frozen layers and updates of low rank, beside a transcription of the paper in torch."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo import BertEncoder, SequenceClassifier, bundle, load
from keras_bert_zoo.models.trained_parts import add_lora, freeze_layers

LABELS = {"id2label": {0: "a", 1: "b", 2: "c"}}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
PARTS = ("kernel", "bias")


@pytest.fixture
def classifier(tiny_config, randomise):
    return randomise(SequenceClassifier(BertEncoder(tiny_config.replace(**LABELS))))


def trained(model):
    return {variable.path for variable in model.trainable_variables}


def give_updates(model):
    """Values for what starts as 0."""
    generator = np.random.default_rng(5)
    for variable in model.trainable_variables:
        if "lora" in variable.path:
            variable.assign(0.2 * generator.standard_normal(variable.shape))


def test_only_updates_and_the_head_are_trained(classifier, make_batch):
    before = classifier(make_batch())["logits"]
    add_lora(classifier.encoder, 4)
    wanted = {
        f"encoder/layer_{index}/attention/{name}/lora_kernel_{part}"
        for index in (0, 1)
        for name in ("query", "value")
        for part in "ab"
    }
    head = {f"{name}/{part}" for name in ("pooler/dense", "classifier") for part in PARTS}
    assert trained(classifier) == wanted | head
    # B is 0: the model starts as what it was.
    np.testing.assert_array_equal(classifier(make_batch())["logits"], before)
    a = classifier.encoder.get_layer("layer_0").attention.query.lora_kernel_a.numpy()
    assert 0.8 / 24**0.5 < np.abs(a).max() <= 1 / 24**0.5


@pytest.mark.parametrize(
    ("targets", "layers"),
    [
        (["attention.output.dense"], {"attention/output"}),
        (["dense"], {"attention/output", "intermediate", "output"}),
        (["key", "intermediate.dense"], {"attention/key", "intermediate"}),
    ],
)
def test_targets_are_ends_of_names(classifier, targets, layers):
    add_lora(classifier.encoder, 2, targets=targets, first_block=1)
    found = {path.removesuffix("/lora_kernel_a") for path in trained(classifier)}
    adapted = {path for path in found if path.startswith("encoder/") and "lora" not in path}
    assert adapted == {f"encoder/layer_1/{layer}" for layer in layers}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"targets": ["query", "valeu"]}, r"lora_targets must be ends of .*'valeu'"),
        ({"targets": ["uery"]}, r"lora_targets must be ends of"),
        ({"targets": []}, "at least one"),
        ({"first_block": 2}, "LoRA needs a block of 2 that is not frozen, received .*2"),
    ],
)
def test_what_adapts_nothing_is_refused(classifier, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        add_lora(classifier.encoder, 2, **arguments)


def test_a_layer_is_adapted_once(classifier):
    add_lora(classifier.encoder, 2)
    with pytest.raises(ValueError, match="query has an update of low rank already"):
        add_lora(classifier.encoder, 2)


def test_frozen_layers_are_not_trained(classifier):
    freeze_layers(classifier.encoder, 1)
    paths = trained(classifier)
    assert not any(path.startswith(("embeddings/", "encoder/layer_0/")) for path in paths)
    assert sum(path.startswith("encoder/layer_1/") for path in paths) == 16
    with pytest.raises(ValueError, match=r"from 0 \(the embeddings alone\) to 2.* received 3"):
        freeze_layers(classifier.encoder, 3)


def test_what_is_saved_is_plain_and_does_the_same(classifier, make_batch, tmp_path):
    add_lora(classifier.encoder, 4, alpha=8, targets=["query", "value", "dense"])
    give_updates(classifier)
    adapted = classifier(make_batch())["logits"]
    merged = load(bundle.save(classifier, None, tmp_path / "merged")).model
    np.testing.assert_allclose(merged(make_batch())["logits"], adapted, rtol=0, atol=1e-6)
    # Saving changed nothing: training can go on.
    np.testing.assert_array_equal(classifier(make_batch())["logits"], adapted)
    classifier.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(make_batch())["logits"], adapted, rtol=0, atol=1e-6)


def transcribed(theirs, ours, alpha, rank):
    """Puts ``W + alpha / r * B @ A``, literally, in place of torch's linear layers."""
    import torch

    class Adapted(torch.nn.Module):
        def __init__(self, base, layer):
            super().__init__()
            self.base = base
            self.a, self.b = (
                torch.nn.Parameter(torch.from_numpy(each.numpy().T.copy()))
                for each in (layer.lora_kernel_a, layer.lora_kernel_b)
            )

        def forward(self, x):
            weight = self.base.weight + alpha / rank * (self.b @ self.a)
            return torch.nn.functional.linear(x, weight, self.base.bias)

    theirs.bert.requires_grad_(False)
    theirs.bert.pooler.requires_grad_(True)
    adapted = {}
    for index, layer in enumerate(theirs.bert.encoder.layer):
        for name, linear in ours.encoder.get_layer(f"layer_{index}").projections.items():
            parent, _, leaf = name.rpartition(".")
            module = Adapted(layer.get_submodule(name), linear)
            setattr(layer.get_submodule(parent), leaf, module)
            adapted[linear.lora_kernel_a.path] = module.a
            adapted[linear.lora_kernel_b.path] = module.b
    return adapted


@pytest.mark.parity
def test_outputs_and_gradients_are_those_of_the_paper(tmp_path, make_batch, tiny_config):
    import tensorflow as tf
    import torch
    import transformers
    from published import reference, torch_inputs

    inputs, labels = make_batch(), np.array([0, 2, 1, 2])
    choices = {**LABELS, **NO_DROPOUT, "label2id": {"a": 0, "b": 1, "c": 2}}
    theirs = reference("BertForSequenceClassification", tiny_config, **choices)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = load(tmp_path / "theirs").model
    add_lora(ours.encoder, 4, alpha=8, targets=["query", "key", "value", "dense"])
    give_updates(ours)
    ours.compile("sgd")
    adapted = transcribed(theirs, ours, 8, 4)
    expected = theirs(**torch_inputs(inputs), labels=torch.from_numpy(labels))
    expected.loss.backward()

    with tf.GradientTape() as tape:
        outputs = ours(inputs, training=True)  # with the gradients that are written out
        loss = ours.compute_loss(inputs, labels, outputs)
    variables = ours.trainable_variables
    gradients = tape.gradient(loss, [variable.value for variable in variables])
    wanted = expected.logits.detach().numpy()
    np.testing.assert_allclose(outputs["logits"], wanted, rtol=0, atol=1e-5)
    others = {
        "pooler/dense/kernel": theirs.bert.pooler.dense.weight,
        "pooler/dense/bias": theirs.bert.pooler.dense.bias,
        "classifier/kernel": theirs.classifier.weight,
        "classifier/bias": theirs.classifier.bias,
    }
    parameters = {**adapted, **others}
    assert {variable.path for variable in variables} == set(parameters)
    for variable, gradient in zip(variables, gradients, strict=True):
        other = parameters[variable.path].grad.numpy().T
        np.testing.assert_allclose(gradient, other, rtol=0, atol=1e-5, err_msg=variable.path)

    saved = bundle.save(ours, None, tmp_path / "ours")
    plain = transformers.BertForSequenceClassification.from_pretrained(saved).eval()
    with torch.no_grad():
        answers = plain(**torch_inputs(inputs)).logits.numpy()
    np.testing.assert_allclose(answers, wanted, rtol=0, atol=1e-5)
