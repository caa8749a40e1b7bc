"""``SequenceClassifier.compile`` chooses the loss that ``transformers`` computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import BertAdamW, BertEncoder, EncoderConfig, SequenceClassifier
from keras_bert_zoo.models.sequence_classification import LOSSES

LOGITS = np.random.default_rng(2).normal(scale=2, size=(6, 3)).astype("float32")
CASES = {
    "single_label_classification": (LOGITS, np.array([0, 2, 1, 1, 0, 2], "int32")),
    "multi_label_classification": (LOGITS, (LOGITS[::-1] > 0.3).astype("float32")),
    "regression": (LOGITS[:, :1], LOGITS[::-1, 1]),
    "regression of three": (LOGITS, LOGITS[::-1]),
}


IDS = np.ones((2, 3), "int32")
INPUTS = {"input_ids": IDS, "attention_mask": IDS, "token_type_ids": 0 * IDS}


def classifier(problem_type, labels=2):
    config = EncoderConfig(
        vocab_size=9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=4, id2label=dict(enumerate("ab"[:labels])),
        problem_type=problem_type,
    )  # fmt: skip
    return SequenceClassifier(BertEncoder(config))


def loss_of(name):
    logits, labels = CASES[name]
    return float(LOSSES[name.split()[0]]()(labels, logits))


def test_by_hand():
    logits, labels = CASES["single_label_classification"]
    exponentials = np.exp(logits.astype("float64"))
    chosen = exponentials[np.arange(6), labels] / exponentials.sum(axis=-1)
    np.testing.assert_allclose(
        loss_of("single_label_classification"), -np.log(chosen).mean(), rtol=1e-6
    )
    logits, labels = CASES["regression"]
    np.testing.assert_allclose(
        loss_of("regression"), np.mean((logits[:, 0] - labels) ** 2), rtol=1e-6
    )


@pytest.mark.parametrize("name", sorted(CASES))
def test_rows_of_weight_0_count_neither_above_nor_below_the_line(name):
    logits, labels = CASES[name]
    weights = np.array([1, 1, 1, 1, 0, 0], "float32")
    loss = LOSSES[name.split()[0]]()
    assert float(loss(labels, logits, weights)) == pytest.approx(
        float(loss(labels[:4], logits[:4])), rel=1e-6
    )


@pytest.mark.parity
@pytest.mark.parametrize("name", sorted(CASES))
def test_equals_transformers(name):
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    logits, labels = CASES[name]
    config = BertConfig(
        vocab_size=9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, num_labels=logits.shape[1], problem_type=name.split()[0],
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval()
    # Its loss, on our logits.
    model.classifier.forward = lambda _: torch.tensor(logits)
    wanted = model(
        input_ids=torch.ones((6, 2), dtype=torch.long),
        labels=torch.tensor(
            labels.copy(), dtype=torch.long if labels.dtype == "int32" else torch.float32
        ),
    )
    np.testing.assert_allclose(loss_of(name), wanted.loss.item(), rtol=1e-6)


@pytest.mark.parametrize(
    ("problem_type", "labels", "metric"),
    [
        ("single_label_classification", np.array([0, 1], "int32"), "accuracy"),
        ("multi_label_classification", np.ones((2, 2), "float32"), "accuracy"),
        ("regression", np.ones((2, 2), "float32"), "mean_absolute_error"),
        (None, np.array([0, 1], "int32"), "accuracy"),
    ],
)
def test_compile_follows_the_problem_type(problem_type, labels, metric):
    model = classifier(problem_type)
    model.compile("sgd")
    logs = model.evaluate(INPUTS, labels, verbose=0, return_dict=True)
    logits = model.predict_on_batch(INPUTS)["logits"]
    wanted = LOSSES[problem_type or "single_label_classification"]()(labels, logits)
    assert set(logs) == {"loss", metric}
    assert logs["loss"] == pytest.approx(float(wanted), rel=1e-6)


@pytest.mark.parametrize(
    ("problem_type", "labels", "message"),
    [
        (None, np.array([0.0, 1.7]), r"integers of shape \(batch\) .* received float32 of shape"),
        (None, np.eye(2, dtype="int32"), r"integers of shape \(batch\) "),
        ("multi_label_classification", np.ones(2), r"numbers of shape \(batch, 2\) "),
        ("regression", np.ones((2, 1)), r"numbers of shape \(batch, 2\) "),
    ],
)
def test_labels_that_keras_would_stretch_or_round_are_refused(problem_type, labels, message):
    model = classifier(problem_type)
    model.compile("sgd")
    with pytest.raises(ValueError, match=message):
        model.fit(INPUTS, labels, verbose=0)


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_that_is_no_class_is_not_learned(label):
    """TensorFlow's own loss raises; that of JAX is 0."""
    model = classifier(None)
    model.compile("sgd", jit_compile=False)
    labels = np.array([0, label], "int32")
    try:
        loss = model.compute_loss(INPUTS, labels, model(INPUTS))
    except tf.errors.InvalidArgumentError as error:
        assert str(label) in str(error)
    else:
        assert np.isnan(loss)


def test_one_label_is_a_regression_as_in_transformers():
    model = classifier(None, labels=1)
    assert model.problem_type == "regression"


def test_a_saved_model_goes_on_where_it_was(tmp_path):
    model = classifier(None)
    model.compile(BertAdamW(1e-3))
    model.fit(INPUTS, IDS[:, 0] - 1, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert int(loaded.optimizer.iterations) == 2
    for ours, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for each in (model, loaded):
        each.encoder.trainable = False  # no dropout between the two
    logs = [m.evaluate(INPUTS, IDS[:, 0], verbose=0, return_dict=True) for m in (model, loaded)]
    assert logs[0] == logs[1]


def test_half_precision_scales_its_loss():
    encoder = BertEncoder(classifier(None).config, dtype="mixed_float16")
    model = SequenceClassifier(encoder)
    model.compile(BertAdamW(1e-3))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_other_losses_and_metrics_can_be_given():
    model = classifier(None)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=[], metrics=["accuracy"])
    assert model.loss is loss
