"""Temperatures of answers whose probabilities are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics

from keras_bert_zoo.evaluation.calibration import (
    calibration_scores,
    fit_temperature,
    reliability,
)

SINGLE, MULTI = "single_label_classification", "multi_label_classification"


@pytest.fixture(scope="module")
def calibrated():
    """Labels drawn with the probabilities that the logits say."""
    generator = np.random.default_rng(8)
    logits = generator.normal(scale=2, size=(40_000, 3))
    drawn = generator.random((40_000, 1))
    one = (drawn > softmax(logits, axis=-1).cumsum(axis=-1)).sum(axis=-1).clip(max=2)
    several = (generator.random(logits.shape) < expit(logits)).astype("float32")
    return logits, {SINGLE: one.astype("int32"), MULTI: several}


@pytest.mark.parametrize("problem_type", [SINGLE, MULTI])
@pytest.mark.parametrize("factor", [1.0, 3.0, 0.5])
def test_the_temperature_is_what_logits_were_multiplied_by(calibrated, problem_type, factor):
    logits, labels = calibrated
    found = fit_temperature(problem_type, labels[problem_type], factor * logits)
    # The standard error of 40,000 draws is below 1 %.
    assert found == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("problem_type", [SINGLE, MULTI])
def test_errors_are_small_where_calibrated_and_large_where_not(calibrated, problem_type):
    logits, labels = calibrated
    right = calibration_scores(problem_type, labels[problem_type], logits)
    sure = calibration_scores(problem_type, labels[problem_type], 3 * logits)
    for name in ("ece", "ece_adaptive"):
        assert right[name] < 0.01 < 0.08 < sure[name], name
    assert right["nll"] < sure["nll"]
    assert right["brier"] < sure["brier"]


def test_scores_are_scikit_learns(calibrated):
    logits, labels = calibrated
    chances = softmax(logits, axis=-1)
    found = calibration_scores(SINGLE, labels[SINGLE], logits)
    assert found["nll"] == pytest.approx(metrics.log_loss(labels[SINGLE], chances))
    squares = (chances - np.eye(3)[labels[SINGLE]]) ** 2
    assert found["brier"] == pytest.approx(squares.sum(axis=-1).mean())
    # One label of several is a problem of two classes.
    flat = labels[MULTI].ravel(), expit(logits).ravel()
    found = calibration_scores(MULTI, labels[MULTI], logits)
    assert found["nll"] == pytest.approx(metrics.log_loss(*flat))
    assert found["brier"] == pytest.approx(2 * metrics.brier_score_loss(*flat))


def test_bins_by_hand():
    chances = np.array([0.55, 0.65, 0.95, 0.95])
    logits = np.log(np.stack([chances, 1 - chances], axis=1))
    labels = np.array([0, 1, 0, 1])
    found = reliability(SINGLE, labels, logits, bins=5)  # (0.4, 0.6], (0.6, 0.8], (0.8, 1.0]
    np.testing.assert_allclose(found.confidence, [0.55, 0.65, 0.95])
    np.testing.assert_allclose(found.accuracy, [1.0, 0.0, 0.5])
    np.testing.assert_allclose(found.share, [0.25, 0.25, 0.5])
    assert found.error == pytest.approx(0.25 * 0.45 + 0.25 * 0.65 + 0.5 * 0.45)
    even = reliability(SINGLE, labels, logits, bins=2, adaptive=True)
    np.testing.assert_allclose(even.confidence, [0.6, 0.95])
    assert even.error == pytest.approx(0.5 * 0.1 + 0.5 * 0.45)


def test_what_has_no_temperature():
    logits = np.array([[2.0, 0.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match=r"of these 2 texts is beyond 0\.01 to 100"):
        fit_temperature(SINGLE, np.array([0, 1]), logits)
    with pytest.raises(ValueError, match="received none"):
        fit_temperature(SINGLE, np.array([], int), logits[:0])
    with pytest.raises(ValueError, match="received 'regression', which has none"):
        fit_temperature("regression", np.array([0.0, 1.0]), logits)
