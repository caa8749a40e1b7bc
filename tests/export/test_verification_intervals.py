"""Confidence intervals against published figures and against many repeated samples."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from keras_bert_zoo.export.verification import intervals
from keras_bert_zoo.export.verification.metrics import scores_of, scores_of_similarities
from keras_bert_zoo.export.verification.report import _with_half

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


def test_rank_correlation_holds_the_truth(monkeypatch):
    """Of normal numbers with a correlation of r Spearman's is 6 / pi * asin(r / 2)."""
    monkeypatch.setattr(intervals, "_RESAMPLES", 100)  # ranks take their time
    covered = np.zeros(2)
    for _ in range(20):
        labels, before = RANDOM.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 80).T
        after = before + RANDOM.normal(size=80)
        pairs = [np.stack([np.exp(each), labels], axis=1) for each in (before, after)]
        truths = 6 / np.pi * np.arcsin(np.array([0.8, 0.8 / 2**0.5]) / 2)
        for kind, (truth, (low, high)) in enumerate(
            (
                (truths[0], intervals.rank_correlation(pairs[0])),
                (truths[0] - truths[1], intervals.lost_rank_correlation(*pairs)),
            )
        ):
            covered[kind] += low <= truth <= high
    assert (covered >= 15).all(), covered


def test_similarities_are_scored_as_scipy_does():
    keras, ours = RANDOM.normal(size=(2, 40, 2)).round(1)  # some are equal
    ours[:, 1] = keras[:, 1]
    alone, lost = scores_of_similarities(keras), scores_of_similarities(ours, keras)
    expected = [float(scipy.stats.spearmanr(*each.T)[0]) for each in (keras, ours)]
    assert [alone.metric, lost.metric] == pytest.approx(expected)
    assert lost.drop == pytest.approx(expected[0] - expected[1]) and alone.drop is None
    assert alone.metric_interval[0] < alone.metric < alone.metric_interval[1]
    same = scores_of_similarities(keras, keras)
    assert same.drop == 0 and same.drop_interval == (0, 0)
    assert intervals.spearman(keras) == pytest.approx(expected[0])


def test_few_texts_or_constant_ones_have_no_interval():
    assert np.isnan(intervals.correlation(np.eye(2)[:, :1], np.eye(2)[:, :1])).all()
    assert np.isnan(intervals.correlation(np.ones((1, 1)), np.ones((1, 1)))).all()
    assert np.isnan(intervals.correlation(np.ones((5, 1)), np.ones((5, 1)))).all()


def shares(right):
    return np.stack([right, np.ones(len(right))], axis=1)


def test_of_shares_the_bootstrap_is_nearly_the_closed_form():
    before, after = np.arange(400) < 320, np.arange(400) < 320
    after[:30], after[350:362] = False, True
    np.testing.assert_allclose(
        intervals.ratio(shares(after)), intervals.proportion(after), atol=0.005
    )
    np.testing.assert_allclose(
        intervals.lost_ratio(shares(before), shares(after)),
        intervals.lost_proportion(before, after),
        atol=0.005,
    )


def test_ratios_hold_the_truth():
    """F1 of entities of 60 texts, of which a second model loses some and finds others."""
    counts = RANDOM.poisson(2, (20_000, 1)) * [1, 1]
    found = [RANDOM.binomial(counts[:, 0], share) for share in (0.8, 0.75)]
    found[1] = np.where(RANDOM.random(20_000) < 0.7, found[0], found[1])
    models = [np.stack([2 * each, counts.sum(axis=1)], axis=1).astype(float) for each in found]
    truths = [each[:, 0].sum() / each[:, 1].sum() for each in models]
    covered = np.zeros(2)
    for _ in range(100):
        rows = RANDOM.integers(0, 20_000, 60)
        before, after = (each[rows] for each in models)
        for kind, (truth, (low, high)) in enumerate(
            (
                (truths[1], intervals.ratio(after)),
                (truths[0] - truths[1], intervals.lost_ratio(before, after)),
            )
        ):
            covered[kind] += low <= truth <= high
    assert (covered >= 88).all(), covered


def test_ratios_of_equal_models_have_an_interval_that_shrinks():
    def width(count):
        parts = np.tile([[2.0, 2.0], [0.0, 3.0]], (count // 2, 1))
        low, high = intervals.lost_ratio(parts, parts)
        assert low < 0 < high
        return high - low

    assert width(10) > 10 * width(1000) > 0


def test_ratios_of_few_or_empty_examples_have_no_interval():
    assert np.isnan(intervals.ratio(np.ones((9, 2)))).all()
    assert np.isnan(intervals.lost_ratio(np.zeros((20, 2)), np.zeros((20, 2)))).all()


def test_a_drop_without_an_interval_is_shown():
    assert _with_half(0.0123, None) == _with_half(0.0123, (np.nan, np.nan)) == "+1.23"
    assert _with_half(0.0123, (-0.01, 0.03)) == "+1.23 ±2.00"


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
