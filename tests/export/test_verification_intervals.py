"""Confidence intervals against published figures and against many repeated samples."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.export.verification import intervals
from keras_bert_zoo.export.verification.metrics import scores_of

RANDOM = np.random.default_rng(3)


def test_wilson_of_published_example():
    # R. G. Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I:
    # 81 of 263.
    low, high = intervals.proportion(np.arange(263) < 81)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_matched_proportions_by_hand():
    # 100 texts: 5 are lost, 2 won; with half a text more of each kind 5.5 and 2.5 of 102.
    before, after = np.ones(100, bool), np.ones(100, bool)
    after[:5], before[5:7] = False, False
    drop, error = 3 / 102, np.sqrt(8 - 9 / 102) / 102
    expected = (drop - 1.959964 * error, drop + 1.959964 * error)
    assert intervals.lost_proportion(before, after) == pytest.approx(expected, rel=1e-6)


def test_equal_models_have_an_interval_that_shrinks():
    def width(count):
        low, high = intervals.lost_proportion(np.ones(count, bool), np.ones(count, bool))
        assert low == -high < 0
        return high

    assert width(10) > 10 * width(1000) > 0


@pytest.mark.parametrize("count", [40, 400])
def test_matched_interval_holds_the_truth(count):
    kinds = RANDOM.choice(4, (500, count), p=[0.7, 0.08, 0.05, 0.17])
    found = [intervals.lost_proportion(row <= 1, (row == 0) | (row == 2)) for row in kinds]
    covered = np.mean([low <= 0.03 <= high for low, high in found])
    assert 0.92 <= covered <= 0.99


def test_correlation_holds_the_truth():
    covered = 0
    for _ in range(60):
        labels = RANDOM.normal(size=(80, 1))
        low, high = intervals.correlation(labels, labels + RANDOM.normal(size=(80, 1)))
        covered += low <= 0.5**0.5 <= high
    assert 50 <= covered <= 60


def test_paired_texts_tell_more_than_two_samples():
    labels = RANDOM.normal(size=(200, 1))
    keras = labels + RANDOM.normal(size=(200, 1))
    ours = keras + 0.01 * RANDOM.normal(size=(200, 1))
    low, high = intervals.lost_correlation(labels, keras, ours)
    alone = intervals.correlation(labels, ours)
    assert low <= 0.01 and high - low < 0.1 * (alone[1] - alone[0])


def test_few_texts_or_constant_ones_have_no_interval():
    assert np.isnan(intervals.correlation(np.eye(2)[:, :1], np.eye(2)[:, :1])).all()
    assert np.isnan(intervals.correlation(np.ones((1, 1)), np.ones((1, 1)))).all()
    assert np.isnan(intervals.correlation(np.ones((5, 1)), np.ones((5, 1)))).all()


CASES = {
    "single_label_classification": np.array([0, 1, 2, 1, 0, 2] * 2),
    "multi_label_classification": RANDOM.integers(0, 2, (12, 3)),
    "regression": RANDOM.normal(size=(12, 3)),
}


@pytest.mark.parametrize("problem", CASES)
def test_scores_of_every_problem(problem, tiny_config):
    config = tiny_config.replace(problem_type=problem, id2label={0: "a", 1: "b", 2: "c"})
    keras, ours = RANDOM.normal(size=(2, 12, 3))
    alone, lost = (scores_of(config, CASES[problem], *args) for args in ((keras,), (ours, keras)))
    assert alone.drop is None and lost.drop == pytest.approx(alone.metric - lost.metric)
    for value, (low, high) in (
        (alone.metric, alone.metric_interval),
        (lost.drop, lost.drop_interval),
    ):
        assert low - 0.05 <= value <= high + 0.05
