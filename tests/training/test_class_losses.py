"""Weighted, smoothed and focused losses, by hand, as recipes have them, and against PyTorch."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import BertEncoder, EncoderConfig, SequenceClassifier, predictor
from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.rows import EncodedTexts, Rows
from keras_bert_zoo.models.class_losses import MultiLabelLoss, SingleLabelLoss
from keras_bert_zoo.tasks.loss_options import LossOptions
from keras_bert_zoo.tasks.sequence_classification import SequenceClassification
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

GENERATOR = np.random.default_rng(5)
LOGITS = GENERATOR.normal(scale=3, size=(7, 4)).astype("float32")
LOGITS[0] = [30, -30, 0, 1]  # as sure as float32 can be
LABELS = np.array([0, 3, 1, IGNORED, 2, 2, 0], "int32")
SEVERAL = (GENERATOR.random((7, 4)) < 0.4).astype("float32")
WEIGHTS = [0.5, 3.0, 1.0, 2.0]
OPTIONS = [
    {"label_smoothing": s, "class_weights": w, "focal_gamma": g}
    for s, w, g in itertools.product((0.0, 0.1), (None, WEIGHTS), (0.0, 2.0, 0.5))
]
KINDS = {"single": (SingleLabelLoss, LABELS), "multi": (MultiLabelLoss, SEVERAL)}


def name_of(options):
    return ", ".join(f"{name}={value}" for name, value in options.items())


def by_torch(kind, options):
    """Loss and gradient as PyTorch has them; focal as torchvision's, from probabilities."""
    import torch

    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    loss = {"single": _single, "multi": _multi}[kind](torch, logits, **options)
    loss.backward()
    return loss.item(), logits.grad.numpy()


def _single(torch, logits, *, label_smoothing, class_weights, focal_gamma):
    functional = torch.nn.functional
    weight = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    labels = torch.tensor(LABELS).long()
    if not focal_gamma:
        return torch.nn.CrossEntropyLoss(weight, label_smoothing=label_smoothing)(logits, labels)
    kept = labels != IGNORED
    weight = torch.ones(4, dtype=torch.float64) if weight is None else weight
    hard = functional.one_hot(labels[kept], 4)
    soft = (1 - label_smoothing) * hard + label_smoothing / 4
    p = logits[kept].softmax(-1)
    losses = -weight * soft * (1 - p) ** focal_gamma * logits[kept].log_softmax(-1)
    return losses.sum() / weight[labels[kept]].sum()


def _multi(torch, logits, *, label_smoothing, class_weights, focal_gamma):
    functional = torch.nn.functional
    positive = torch.tensor(class_weights or [1.0] * 4, dtype=torch.float64)
    soft = torch.tensor(SEVERAL, dtype=torch.float64) * (1 - label_smoothing) + label_smoothing / 2
    if not focal_gamma:
        return torch.nn.BCEWithLogitsLoss(pos_weight=positive)(logits, soft)
    yes, no = functional.softplus(-logits), functional.softplus(logits)  # -log p, -log(1 - p)
    p = logits.sigmoid()
    losses = positive * soft * (1 - p) ** focal_gamma * yes + (1 - soft) * p**focal_gamma * no
    return losses.mean()


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS, ids=name_of)
def test_equals_torch(kind, options):
    loss, labels = KINDS[kind]
    logits = tf.Variable(LOGITS)
    with tf.GradientTape() as tape:
        value = loss(**options)(labels, tf.convert_to_tensor(logits))
    wanted, gradient = by_torch(kind, options)
    np.testing.assert_allclose(float(value), wanted, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(value, logits), gradient, atol=1e-5)


SCRIPT = """
import json, sys
import keras, numpy as np
from keras_bert_zoo.layers import LinearChainCRF
from keras_bert_zoo.layers.crf import marginals, viterbi
from keras_bert_zoo.models.class_losses import MultiLabelLoss, SingleLabelLoss
from keras_bert_zoo.models.token_classification import ChainLoss

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
data = dict(np.load(f"{folder}/data.npz"))
cases = json.loads(open(f"{folder}/options.json").read())
crf = LinearChainCRF(4)
crf.build((None, None, 4))
crf.assign_bordered(data["transitions"])
chain = data["logits"][None], data["labels"][None] != -100, crf.bordered()
losses = [(SingleLabelLoss(**case), "labels") for case in cases]
losses += [(MultiLabelLoss(**case), "several") for case in cases]
losses += [(lambda y, x: ChainLoss(crf)(y[None], x[None]), "labels")]

def gradient(loss, labels):
    x = keras.ops.convert_to_tensor(data["logits"])
    if backend == "torch":
        x.requires_grad_(True)
        loss(labels, x).backward()
        return x.grad.numpy()
    if backend == "jax":
        import jax
        return np.array(jax.grad(lambda x: loss(labels, x))(x))
    import tensorflow as tf
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(labels, x)
    return tape.gradient(value, x).numpy()

np.savez(
    f"{folder}/{backend}.npz",
    losses=[keras.ops.convert_to_numpy(loss(data[y], data["logits"])) for loss, y in losses],
    gradients=[gradient(loss, data[y]) for loss, y in losses],
    viterbi=keras.ops.convert_to_numpy(viterbi(*chain)),
    marginals=keras.ops.convert_to_numpy(marginals(*chain)),
)
"""


@pytest.mark.parity
def test_every_backend_has_these_numbers(tmp_path):
    transitions = GENERATOR.normal(size=(5, 5))
    arrays = {"logits": LOGITS, "labels": LABELS, "several": SEVERAL, "transitions": transitions}
    np.savez(tmp_path / "data.npz", **arrays)
    (tmp_path / "options.json").write_text(json.dumps(OPTIONS))
    found = {}
    for backend in ("tensorflow", "jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend]
        subprocess.run(command, env=environment, check=True, timeout=300)
        found[backend] = dict(np.load(tmp_path / f"{backend}.npz"))
    wanted = [by_torch(kind, options) for kind in KINDS for options in OPTIONS]
    for arrays in found.values():
        np.testing.assert_allclose(arrays["losses"][:-1], [loss for loss, _ in wanted], rtol=1e-5)
        np.testing.assert_allclose(arrays["gradients"][:-1], [g for _, g in wanted], atol=1e-5)
        for name, values in arrays.items():
            np.testing.assert_allclose(values, found["tensorflow"][name], atol=1e-5)


def test_a_focus_of_half_has_a_gradient_where_a_class_is_sure():
    logits = tf.constant([[60.0, 0.0, 0.0, 0.0]])
    for loss, labels in ((SingleLabelLoss, [0]), (MultiLabelLoss, [[1.0, 0.0, 0.0, 0.0]])):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(focal_gamma=0.5)(tf.constant(labels), logits)
        assert np.isfinite(tape.gradient(value, logits)).all()


def test_weights_of_rows_and_classes_multiply():
    weighted = SingleLabelLoss(class_weights=WEIGHTS)
    rows = np.array([1, 2, 1, 1, 0, 3, 1], "float32")
    repeated = np.repeat(np.arange(7), rows.astype(int))
    found = weighted(LABELS, LOGITS, rows)
    assert float(found) == pytest.approx(float(weighted(LABELS[repeated], LOGITS[repeated])))
    # Of tokens, a weight for each row.
    tokens = weighted(LABELS[:6].reshape(2, 3), LOGITS[:6].reshape(2, 3, 4), rows[:2])
    each = weighted(LABELS[:6], LOGITS[:6], np.repeat(rows[:2], 3))
    assert float(tokens) == pytest.approx(float(each))


def test_a_label_that_is_no_class_is_nan():
    for label in (4, -1):
        assert np.isnan(SingleLabelLoss()(np.array([0, label]), LOGITS[:2]))


def test_losses_are_saved_with_their_options():
    for loss, _ in KINDS.values():
        again = loss.from_config(loss(**OPTIONS[-1]).get_config())
        assert {name: getattr(again, name) for name in OPTIONS[-1]} == OPTIONS[-1]


def test_balanced_weights_are_scikit_learns():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0, 0, 0, 1, 2, 2, IGNORED])
    options = LossOptions(class_weights="balanced").of_model("abcd", labels)
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=labels[:-1])
    np.testing.assert_allclose(options["class_weights"], [*wanted, 1.0])
    several = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 1, 1]])
    options = LossOptions(class_weights="balanced").of_model("abc", several)
    assert options["class_weights"] == [3.0, 3.0, 1.0]


def test_weights_by_name():
    options = LossOptions(class_weights={"b": 3}, focal_gamma=2).of_model("abc", LABELS)
    assert options == {"class_weights": [1.0, 3.0, 1.0], "focal_gamma": 2}
    with pytest.raises(ValueError, match=r"are for \['d'\]; the classes are \['a', 'b', 'c'\]"):
        LossOptions(class_weights={"d": 3}).of_model("abc", LABELS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_smoothing": 1}, r"label_smoothing must be a number in \[0, 1\), received 1"),
        ({"label_smoothing": "a"}, "received 'a'"),
        ({"focal_gamma": -1}, "focal_gamma must be a number of at least 0, received -1"),
        ({"class_weights": "even"}, "class_weights must be 'balanced', or positive"),
        ({"class_weights": {"a": 0}}, r"received \{'a': 0\}"),
        ({"class_weights": [1, 2]}, r"received \[1, 2\]"),
        ({"temperature": 0}, "temperature must be a positive number, received 0"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassification(Settings(max_length=8, options=options))


def test_a_regression_has_no_classes():
    settings = Settings(max_length=8, problem_type="regression", options={"focal_gamma": 2})
    with pytest.raises(ValueError, match="are of classes, and a regression has none"):
        SequenceClassification(settings)


@pytest.mark.parametrize(
    ("problem_type", "kind"),
    [("single_label_classification", "single"), ("multi_label_classification", "multi")],
)
def test_a_model_that_learns_takes_the_options(problem_type, kind):
    loss, labels = KINDS[kind]
    config = EncoderConfig(
        vocab_size=9, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=4, max_position_embeddings=4, id2label=dict(enumerate("abcd")),
        problem_type=problem_type,
    )  # fmt: skip
    model = SequenceClassifier(BertEncoder(config))
    options = {"label_smoothing": 0.1, "class_weights": {"b": 2}}
    settings = Settings(max_length=8, problem_type=problem_type, options=options)
    empty = EncodedTexts(np.array([], "int32"), np.array([], "int32"), np.zeros(7, int), 0)
    rows = Rows(empty, {"logits": labels})
    assert SequenceClassification(settings).prepared(model).loss_options == {}
    SequenceClassification(settings).prepared(model, rows)
    [found] = model.losses_by_output().values()
    assert isinstance(found, loss)
    assert found.class_weights == [1.0, 2.0, 1.0, 1.0]
    assert (found.label_smoothing, found.focal_gamma) == (0.1, 0.0)
    again = SequenceClassifier.from_config(model.get_config())
    assert again.loss_options == model.loss_options


def test_the_loss_of_a_run_is_the_weighted_mean(values):
    options = {"class_weights": {"good": 5.0}, "label_smoothing": 0.1}
    result = finetune(
        FinetuneRecipe(**{**values, "epochs": 1, "limit": 24}, options=options), verbose=0
    )
    ask = predictor(result.bundle)
    rows, outputs = ask.outputs(ask.task.read(values["test"]))
    weighted = SingleLabelLoss(class_weights=[1.0, 5.0], label_smoothing=0.1)
    wanted = float(weighted(rows.labels["logits"], outputs["logits"]))
    assert result.metrics["test"]["loss"] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "focal_gamma": 2.0}])
def test_the_number_of_classes_may_be_open_in_a_graph(options):
    loss = SingleLabelLoss(**options)
    open_shapes = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.float32)]
    in_graph = tf.function(loss, input_signature=open_shapes)
    logits = np.random.default_rng(0).standard_normal((4, 7)).astype("float32")
    labels = np.array([0, 6, IGNORED, 3], "int32")
    np.testing.assert_allclose(in_graph(labels, logits), loss(labels, logits), atol=1e-6)
