"""Beside other implementations of SQuAD's scores, see `golden/make_squad_scores.py`."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from keras_bert_zoo.evaluation.question_answering import (
    best_threshold,
    each_score,
    f1,
    middle_threshold,
    score,
)

GOLDEN = json.loads(
    (pathlib.Path(__file__).parents[1] / "golden/squad_scores.json").read_text(encoding="utf-8")
)


def test_squad_1():
    golden = GOLDEN["1.1"]
    found = each_score(golden["predictions"], golden["golds"], with_impossible=False)
    # `torchmetrics` computes in float32.
    np.testing.assert_allclose(found, golden["scores"], rtol=0, atol=1e-6)
    means = score(
        golden["predictions"], np.zeros(len(found)), golden["golds"], with_impossible=False
    )
    exact, overlap = np.mean(golden["scores"], axis=0)
    assert means == pytest.approx({"exact_match": exact, "f1": overlap}, abs=1e-6)


@pytest.mark.parametrize("golden", GOLDEN["2.0"], ids=["few", "many"])
def test_squad_2(golden):
    golds, margins = golden["golds"], np.array(golden["margins"])
    found = each_score(golden["predictions"], golds, with_impossible=True)
    np.testing.assert_allclose(found, golden["scores"], rtol=0, atol=1e-12)

    scores = score(golden["predictions"], margins, golds, with_impossible=True, null_threshold=0.0)
    names = {"exact": "exact_match", "f1": "f1"}
    for theirs, ours in names.items():
        summary = golden["summary"]
        assert 100 * scores[ours] == pytest.approx(summary[theirs])
        assert 100 * scores[f"has_answer_{ours}"] == pytest.approx(summary[f"HasAns_{theirs}"])
        assert 100 * scores[f"no_answer_{ours}"] == pytest.approx(summary[f"NoAns_{theirs}"])
        value, threshold = golden["best"][ours]
        assert 100 * scores[f"best_{ours}"] == pytest.approx(value)
        assert scores[f"best_{ours}_threshold"] == pytest.approx(threshold)
        again = score(
            golden["predictions"], margins, golds, with_impossible=True,
            null_threshold=scores[f"best_{ours}_threshold"],
        )  # fmt: skip
        assert again[ours] == pytest.approx(scores[f"best_{ours}"])

    middle = middle_threshold(golden["predictions"], margins, golds)
    assert middle > scores["best_f1_threshold"]
    again = score(
        golden["predictions"], margins, golds, with_impossible=True, null_threshold=middle
    )
    assert again["f1"] == pytest.approx(scores["best_f1"])


@pytest.mark.parametrize(
    ("right", "margins", "middle"),
    [
        # A wrong answer at 1 changes nothing; silence is right at 4.
        ("yyxn", [-9.0, -2.0, 1.0, 4.0], 1.0),
        ("nyy", [3.0, 5.0, 7.0], 7.0),  # nothing lies above
        ("n", [-3.0], -3.5),  # in the middle of below and at the only one
        ("n", [np.inf], 0.0),
    ],
)
def test_the_middle_of_the_best_thresholds(right, margins, middle):
    """Right answers, wrong ones, and questions without any."""
    golds = [[] if each == "n" else ["y"] for each in right]
    said = ["y" if each == "y" else "x" for each in right]
    found = middle_threshold(said, np.array(margins), golds)
    assert found == middle


def test_texts_without_words_agree_in_squad_2_alone():
    assert f1("The", "an") == 0.0
    assert f1("The", "an", of_nothing=True) == 1.0
    assert f1("", "cat", of_nothing=True) == 0.0


def test_nothing_is_right_where_no_answer_is_and_none_may_be_missing():
    assert score(["x"], np.zeros(1), [[]], with_impossible=False)["f1"] == 0.0


def test_questions_of_one_kind_have_no_scores_of_the_other():
    scores = score(["x"], np.array([1.0]), [[]], with_impossible=True)
    assert scores["f1"] == scores["no_answer_f1"] == 1.0
    assert "has_answer_f1" not in scores


def test_a_threshold_below_all_where_it_is_best_to_say_nothing():
    value, threshold = best_threshold(np.zeros(2), np.ones(2), np.array([-3.0, 5.0]))
    assert (value, threshold) == (1.0, -4.0)
    # A question whose context has no tokens is never answered.
    assert best_threshold(np.zeros(1), np.ones(1), np.array([np.inf])) == (1.0, 0.0)


def test_questions_with_one_difference_are_answered_together():
    answers, silence = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0])
    value, threshold = best_threshold(answers, silence, np.array([2.0, 2.0, 3.0]))
    assert (value, threshold) == (pytest.approx(2 / 3), 1.0)


def test_no_questions_have_no_score():
    with pytest.raises(ValueError, match="at least one question"):
        score([], np.zeros(0), [], with_impossible=False)
