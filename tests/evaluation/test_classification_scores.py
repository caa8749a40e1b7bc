from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo.evaluation.classification import probabilities, score, scores_json


def test_single_label_by_hand():
    logits = np.eye(3)[[0, 1, 1, 2]]
    scores = score("single_label_classification", np.array([0, 1, 2, 2]), logits)
    assert scores["accuracy"] == scores["f1_micro"] == 0.75
    assert scores["f1_macro"] == pytest.approx((1 + 2 / 3 + 2 / 3) / 3)
    # Gorodkin 2004, by hand: (4*3 - 5) / sqrt((16 - 6) * (16 - 6))
    assert scores["matthews"] == pytest.approx(0.7)


def test_one_class_alone_is_scored_without_a_word():
    scores = score("single_label_classification", np.array([1, 1]), np.eye(2)[[1, 1]])
    assert (scores["accuracy"], scores["matthews"]) == (1.0, 0.0)


def test_multi_label_by_hand():
    labels = np.array([[1, 0], [1, 1]], "float32")
    scores = score("multi_label_classification", labels, np.array([[2.0, -1.0], [0.5, -3.0]]))
    assert scores["accuracy"] == 0.75
    assert scores["exact_match"] == 0.5
    assert scores["f1_macro"] == 0.5
    assert scores["f1_micro"] == pytest.approx(0.8)


def test_regression_by_hand():
    scores = score("regression", np.array([1.0, 2.0, 4.0]), np.array([[2.0], [3.0], [7.0]]))
    assert scores["mean_squared_error"] == pytest.approx(11 / 3)
    assert scores["spearman"] == pytest.approx(1.0)
    assert scores["pearson"] == pytest.approx(np.corrcoef([1, 2, 4], [2, 3, 7])[0, 1])


def test_a_constant_prediction_has_no_correlation():
    scores = score("regression", np.array([1.0, 2.0]), np.zeros((2, 1)))
    assert np.isnan(scores["pearson"]) and np.isnan(scores["spearman"])


def test_scores_are_strict_json():
    text = scores_json({"test": {"pearson": float("nan"), "loss": 0.5}, "history": [1.0]})
    found = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert found == {"test": {"pearson": None, "loss": 0.5}, "history": [1.0]}


def test_what_cannot_be_scored():
    with pytest.raises(ValueError, match="problem_type"):
        score("ranking", np.zeros(1), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="received 2 and 1"):
        score("regression", np.zeros(2), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="at least one"):
        score("regression", np.zeros(0), np.zeros((0, 1)))


def test_probabilities():
    logits = np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])
    softmax = probabilities("single_label_classification", logits)
    np.testing.assert_allclose(softmax, [[0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_allclose(
        probabilities("multi_label_classification", np.array([[0.0, np.log(3.0)]])), [[0.5, 0.75]]
    )
    np.testing.assert_array_equal(probabilities("regression", logits), logits)
