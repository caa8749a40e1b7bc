"""Replaced-token detection: what is drawn, what counts as replaced, what is shared and kept."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_bert_zoo import BertEncoder, ReplacedTokenDetector, ReplacedTokenModel, bundle, load
from keras_bert_zoo.layers import SampledWords
from keras_bert_zoo.training.optimizers import BertAdamW
from keras_bert_zoo.training.pretrainer import Pretrainer

POSITIONS = np.array([[1, 4, 11], [2, 8, 0], [3, 0, 0], [1, 2, 0]], "int32")
WEIGHTS = {"prediction_logits": (POSITIONS > 0).astype("float32")}
LENGTHS = (12, 9, 5, 4)


@pytest.fixture
def batch(make_batch):
    return {**make_batch(LENGTHS, width=12), "masked_positions": POSITIONS}


@pytest.fixture
def labels(batch):
    """Some of the words that stand in the masked places are the original ones."""
    words = np.take_along_axis(batch["input_ids"], POSITIONS, axis=1)
    words[:, 1] = 7
    return {"prediction_logits": words}


def build(config, generator=None, dtype=None, **options):
    encoder = BertEncoder(config, add_pooling_layer=False, dtype=dtype)
    small = generator or config.replace(num_hidden_layers=1, intermediate_size=16)
    return ReplacedTokenModel(encoder, small, seed=5, **options)


@pytest.fixture
def without_dropout(tiny_config):
    return tiny_config.replace(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


@pytest.fixture
def model(without_dropout, randomise):
    return randomise(build(without_dropout))


def draws(model, batch, training):
    return ops.convert_to_numpy(model(batch, training=training)["sampled_ids"])


def test_only_masked_places_change(model, batch):
    masked = np.zeros((4, 12), bool)
    np.put_along_axis(masked, POSITIONS, True, axis=1)
    masked[:, 0] = False
    found = np.stack([draws(model, batch, training=True) for _ in range(8)])
    changed = (found != batch["input_ids"]).any(axis=0)
    assert found.dtype == np.int32
    assert not changed[~masked].any()
    assert changed[masked].all()


def test_draws_differ_in_training_and_repeat_elsewhere(model, without_dropout, batch, randomise):
    first, second = (draws(model, batch, training=True) for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(*(draws(model, batch, training=False) for _ in range(2)))
    again = randomise(build(without_dropout))
    for expected in (first, second):
        np.testing.assert_array_equal(draws(again, batch, training=True), expected)


def test_words_are_drawn_by_their_probabilities():
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    logits = np.tile(np.log(probabilities), (100, 201, 1)).astype("float32")
    ids = np.full((100, 202), 9, "int32")
    positions = np.tile(np.arange(1, 202, dtype="int32"), (100, 1))
    drawn = ops.convert_to_numpy(SampledWords(3)(ids, positions, logits, training=True))[:, 1:]
    counts = np.bincount(drawn.ravel(), minlength=4)
    deviation = np.sqrt(drawn.size * probabilities * (1 - probabilities))
    assert (
        counts.sum() == drawn.size
        and (np.abs(counts - drawn.size * probabilities) < 4 * deviation).all()
    )


def test_loss_terms_are_those_by_hand(model, batch, labels):
    outputs = {k: ops.convert_to_numpy(v) for k, v in model(batch, training=True).items()}
    # A draw of the original word is an original, even where another word stood.
    outputs["sampled_ids"][0, 4] = labels["prediction_logits"][0, 1]
    terms = model.loss_terms(batch, outputs, labels, WEIGHTS)
    original = batch["input_ids"].copy()
    for row, column in zip(*np.nonzero(POSITIONS), strict=True):
        original[row, POSITIONS[row, column]] = labels["prediction_logits"][row, column]
    replaced = outputs["sampled_ids"] != original
    assert not replaced[0, 4] and 1 <= replaced.sum() < (POSITIONS > 0).sum()

    logits = outputs["replaced_logits"].astype("float64")
    losses = np.log1p(np.exp(np.where(replaced, -logits, logits)))
    term = terms["replaced_tokens"]
    np.testing.assert_allclose(term.losses, losses, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(term.weights, batch["attention_mask"])
    np.testing.assert_array_equal(term.correct, (logits > 0) == replaced)

    words = outputs["prediction_logits"].astype("float64")
    chosen = np.take_along_axis(words, labels["prediction_logits"][..., None], -1)[..., 0]
    surprise = np.log(np.exp(words).sum(-1)) - chosen
    np.testing.assert_allclose(terms["masked_lm"].losses, surprise, rtol=0, atol=1e-5)
    weight = WEIGHTS["prediction_logits"]
    expected = (surprise * weight).sum() / weight.sum() + 50 * losses[
        batch["attention_mask"] > 0
    ].mean()
    assert float(model.compute_loss(batch, labels, outputs, WEIGHTS)) == pytest.approx(expected)
    totals = {name: float(v) for name, v in model.normalizers(batch, labels, WEIGHTS).items()}
    assert totals == {"masked_lm": weight.sum(), "replaced_tokens": sum(LENGTHS)}


def test_detection_teaches_the_generator_nothing(without_dropout, batch, labels):
    model = build(without_dropout, share_embeddings=False)
    with tf.GradientTape() as tape:
        outputs = model(batch, training=True)
        term = model.loss_terms(batch, outputs, labels, WEIGHTS)["replaced_tokens"]
        loss = tf.reduce_sum(term.losses * term.weights)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert (gradient is None) == variable.path.startswith("generator/"), variable.path


@pytest.mark.parametrize("width", [24, 12])
def test_the_generator_reads_the_encoder_tables(without_dropout, batch, width):
    small = without_dropout.replace(hidden_size=width, num_hidden_layers=1)
    model = build(without_dropout, small)
    paths = [variable.path for variable in model.weights]
    assert len(paths) == len(set(paths))
    assert sum("embeddings/" in path for path in paths) == 5  # three tables and a norm
    assert any("embeddings_project" in path for path in paths) == (width != 24)
    separate = build(without_dropout, small, share_embeddings=False)
    assert sum("embeddings/" in variable.path for variable in separate.weights) == 10
    assert separate(batch)["replaced_logits"].shape == (4, 12)


def train(model, batch, labels, steps, accumulation=1):
    pretrainer = Pretrainer(model, accumulation=accumulation)
    pretrainer.compile(BertAdamW(3e-3))
    step = tf.nest.map_structure(tf.constant, (batch, labels, WEIGHTS))
    data = tf.data.Dataset.from_tensors(step).repeat(steps)
    return pretrainer, pretrainer.fit(
        data, steps_per_epoch=1, epochs=steps, shuffle=False, verbose=0
    ).history


@pytest.mark.slow
def test_both_learn_in_parts_too(without_dropout, batch, labels):
    keras.utils.set_random_seed(1)
    _, history = train(build(without_dropout), batch, labels, steps=40, accumulation=2)
    for name in ("masked_lm_loss", "replaced_tokens_loss"):
        assert history[name][-1] < 0.5 * history[name][0], name
    last = 50 * history["replaced_tokens_loss"][-1] + history["masked_lm_loss"][-1]
    assert history["loss"][-1] == pytest.approx(last, rel=1e-6)
    assert history["masked_lm_accuracy"][-1] == 1


@pytest.mark.slow
def test_the_step_is_that_of_keras(without_dropout, batch, labels):
    keras.utils.set_random_seed(1)
    model, other = (build(without_dropout, dtype="float64") for _ in range(2))
    other.set_weights(model.get_weights())
    train(model, batch, labels, steps=3)
    other.compile(BertAdamW(3e-3))
    for _ in range(3):
        other.fit(batch, labels, sample_weight=WEIGHTS, batch_size=4, shuffle=False, verbose=0)
    for one, two in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), two.numpy(), rtol=0, atol=1e-10, err_msg=one.path)


@pytest.mark.slow
def test_a_resumed_run_draws_what_it_would_have_drawn(tiny_config, batch, labels):
    keras.utils.set_random_seed(1)
    pretrainer, _ = train(build(tiny_config), batch, labels, steps=2)
    resumed = Pretrainer(build(tiny_config))
    resumed.compile(BertAdamW(3e-3))
    for each, saved in (
        (resumed.variables, pretrainer.variables),
        (resumed.optimizer.variables, pretrainer.optimizer.variables),
    ):
        for variable, value in zip(each, saved, strict=True):
            variable.assign(value)
    step = tf.nest.map_structure(tf.constant, (batch, labels, WEIGHTS))
    for each in (pretrainer, resumed):
        data = tf.data.Dataset.from_tensors(step).repeat(2)
        each.fit(data, steps_per_epoch=2, shuffle=False, verbose=0)
    for one, two in zip(pretrainer.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy(), err_msg=one.path)


def test_keras_file_keeps_everything(model, batch, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for name, values in model(batch).items():
        np.testing.assert_array_equal(np.array(again(batch)[name]), np.array(values))


def test_bundle_keeps_the_detector(model, batch, tmp_path):
    detector = model.detector
    bundle.save(detector, None, tmp_path / "saved")
    read = {name: batch[name] for name in detector.input}
    again = load(tmp_path / "saved", task="replaced_tokens").model
    expected = np.array(detector(read)["replaced_logits"])
    np.testing.assert_array_equal(np.array(again(read)["replaced_logits"]), expected)
    # Without a task it is the encoder that was pretrained; as BERT it can be fine-tuned.
    assert load(tmp_path / "saved").config.model_type == "electra"
    bundle.save(detector.encoder, None, tmp_path / "bert")
    options = {"task": "sequence_classification", "labels": ["no", "yes"]}
    classifier = load(tmp_path / "bert", **options).model
    kept = {v.path: v.numpy() for v in classifier.encoder.weights}
    for variable in detector.encoder.weights:
        np.testing.assert_array_equal(kept[variable.path], variable.numpy())


def test_refusals(tiny_config, model):
    with pytest.raises(ValueError, match="add_pooling_layer=False"):
        ReplacedTokenDetector(BertEncoder(tiny_config))
    with pytest.raises(ValueError, match=r"differs.*'vocab_size': \(50, 61\)"):
        build(tiny_config, tiny_config.replace(vocab_size=50))
    with pytest.raises(ValueError, match="embeddings of generator_encoder are another encoder's"):
        model.generator.encoder.get_config()
