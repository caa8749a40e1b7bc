"""The chain of labels against a sum over every path, one by one."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.layers import LinearChainCRF
from keras_bert_zoo.layers.crf import log_partition, marginals, viterbi
from keras_bert_zoo.models import BertEncoder, TokenClassifier

B, S, C = 4, 5, 3
GENERATOR = np.random.default_rng(4)
LOGITS = GENERATOR.normal(scale=2, size=(B, S, C)).astype("float32")
TRANSITIONS = GENERATOR.normal(size=(C + 1, C + 1)).astype("float32")
TRANSITIONS[C, C] = 0.0
LABELS = GENERATOR.integers(0, C, (B, S)).astype("int32")
# All, none, first and last passed over, one in the middle alone.
MASK = np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0]], bool)
LABELS[~MASK] = IGNORED


def score(path, logits, transitions):
    """Of one path through positions that all have a label."""
    steps = [C, *path, C] if len(path) else []
    between = sum(transitions[i, j] for i, j in itertools.pairwise(steps))
    return between + sum(logits[t, label] for t, label in enumerate(path))


def every_path(row):
    """Paths of a row and their scores, in float64."""
    logits = LOGITS[row, MASK[row]].astype("float64")
    paths = list(itertools.product(range(C), repeat=len(logits)))
    return paths, np.array([score(path, logits, TRANSITIONS.astype("float64")) for path in paths])


@pytest.fixture(scope="module")
def crf():
    layer = LinearChainCRF(C)
    layer.build((None, None, C))
    layer.set_weights([TRANSITIONS[:C, :C], TRANSITIONS[C, :C], TRANSITIONS[:C, C]])
    return layer


def test_the_matrix_with_a_border_is_what_the_weights_say(crf):
    np.testing.assert_array_equal(ops.convert_to_numpy(crf.bordered()), TRANSITIONS)


def test_the_sum_over_all_paths():
    found = log_partition(LOGITS, MASK, ops.convert_to_tensor(TRANSITIONS))
    expected = [np.logaddexp.reduce(every_path(row)[1]) for row in range(B)]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


def test_the_loss_of_known_labels(crf):
    found = crf.negative_log_likelihood(LABELS, LOGITS)
    for row, loss in enumerate(ops.convert_to_numpy(found)):
        paths, scores = every_path(row)
        chosen = scores[paths.index(tuple(LABELS[row, MASK[row]]))]
        assert loss == pytest.approx(np.logaddexp.reduce(scores) - chosen, abs=1e-5)


def test_marginals_are_shares_of_paths():
    found = ops.convert_to_numpy(marginals(LOGITS, MASK, ops.convert_to_tensor(TRANSITIONS)))
    expected = np.zeros((B, S, C))
    for row in range(B):
        paths, scores = every_path(row)
        for path, share in zip(paths, np.exp(scores - np.logaddexp.reduce(scores)), strict=True):
            for position, label in zip(np.flatnonzero(MASK[row]), path, strict=True):
                expected[row, position, label] += share
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_viterbi_finds_the_best_path():
    found = ops.convert_to_numpy(viterbi(LOGITS, MASK, ops.convert_to_tensor(TRANSITIONS)))
    assert (found[~MASK] == IGNORED).all()
    for row in range(B):
        paths, scores = every_path(row)
        assert tuple(found[row, MASK[row]]) == paths[scores.argmax()]


def test_a_chain_without_transitions_is_a_softmax(crf):
    nothing = np.zeros((C + 1, C + 1), "float32")
    shares = ops.convert_to_numpy(marginals(LOGITS, MASK, ops.convert_to_tensor(nothing)))
    softmax = ops.convert_to_numpy(ops.softmax(LOGITS, axis=-1))
    np.testing.assert_allclose(shares[MASK], softmax[MASK], atol=1e-6)
    best = ops.convert_to_numpy(viterbi(LOGITS, MASK, ops.convert_to_tensor(nothing)))
    np.testing.assert_array_equal(best[MASK], LOGITS.argmax(-1)[MASK])


def test_gradients_are_those_of_finite_differences():
    """In float64, where a difference of 1e-6 says something."""
    import tensorflow as tf

    layer = LinearChainCRF(C, dtype="float64")
    layer.build((None, None, C))
    layer.set_weights([TRANSITIONS[:C, :C], TRANSITIONS[C, :C], TRANSITIONS[:C, C]])
    logits = tf.Variable(LOGITS, dtype="float64")
    variables = [logits, *(variable.value for variable in layer.weights)]

    @tf.function
    def loss():
        return tf.reduce_sum(layer.negative_log_likelihood(LABELS, tf.convert_to_tensor(logits)))

    with tf.GradientTape() as tape:
        value = loss()
    for variable, gradient in zip(variables, tape.gradient(value, variables), strict=True):
        start, wanted = variable.numpy(), np.zeros(variable.shape)
        for place in np.ndindex(*start.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = start.copy()
                moved[place] += step
                variable.assign(moved)
                sides.append(float(loss()))
            wanted[place] = (sides[0] - sides[1]) / 2e-6
        variable.assign(start)
        np.testing.assert_allclose(gradient, wanted, atol=1e-7)


def test_a_compiled_model_is_saved_with_its_crf(tiny_config, make_batch, tmp_path):
    config = tiny_config.replace(id2label=dict(enumerate("abc")))
    model = TokenClassifier(BertEncoder(config, add_pooling_layer=False), config, crf=True)
    model.compile(keras.optimizers.SGD(0.5))
    inputs = make_batch()
    labels = np.where(inputs["attention_mask"], inputs["input_ids"] % 3, IGNORED)
    model.fit(inputs, labels, verbose=0)
    assert np.abs(model.crf.get_weights()[0]).min() > 0
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    wanted = model.evaluate(inputs, labels, verbose=0, return_dict=True)
    assert again.evaluate(inputs, labels, verbose=0, return_dict=True) == wanted
    rows = model.crf.negative_log_likelihood(labels, model.predict_on_batch(inputs)["logits"])
    counted = (labels != IGNORED).sum()
    assert wanted["loss"] == pytest.approx(float(ops.sum(rows)) / counted, rel=1e-5)


def test_an_open_length_and_a_layer_of_a_saved_config(crf):
    again = LinearChainCRF.from_config(crf.get_config())
    inputs = keras.Input((None, C))
    model = keras.Model(inputs, again(inputs))
    np.testing.assert_array_equal(model.predict_on_batch(LOGITS), LOGITS)
    assert [v.path.split("/")[-1] for v in again.weights] == ["transitions", "start", "end"]
