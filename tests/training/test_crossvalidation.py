from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.stats

from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.data.squad import Question
from keras_bert_zoo.data.text_files import TextRows
from keras_bert_zoo.evaluation.classification import mean_logits, probabilities
from keras_bert_zoo.evaluation.intervals import summary
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.predictor import predictor
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.training.crossvalidation import crossvalidate
from keras_bert_zoo.training.crossvalidation_recipe import CrossvalidationRecipe
from keras_bert_zoo.training.folds import check_folds, fold_of


def task(name="sequence_classification", **settings):
    return task_named(name)(Settings(max_length=16, **settings))


def test_folds_part_the_examples_with_equal_shares_of_classes():
    labels = ["a"] * 30 + ["b"] * 10
    texts = [str(number) for number in range(40)]
    rows = TextRows(texts, texts, None, labels)
    folds = [fold_of(task(), rows, (number, 5), seed=1) for number in range(1, 6)]
    validating = [fold["validation"].texts for fold in folds]
    assert sorted(text for part in validating for text in part) == sorted(texts)
    for fold in folds:
        assert fold["validation"].labels.count("b") == 2
        assert not set(fold["train"].texts) & set(fold["validation"].texts)
        assert len(fold["train"]) == 32
    again = fold_of(task(), rows, (1, 5), seed=1)
    assert again["validation"].texts == validating[0]
    assert fold_of(task(), rows, (1, 5), seed=2)["validation"].texts != validating[0]


def test_questions_about_one_context_stay_together():
    questions = tuple(Question(str(i), "why", f"context {i % 7}") for i in range(30))
    for number in range(1, 4):
        fold = fold_of(task("question_answering"), questions, (number, 3), seed=1)
        contexts = [{each.context for each in part} for part in fold.values()]
        assert contexts[0] and contexts[1] and not contexts[0] & contexts[1]


def test_intervals_are_those_of_student():
    values = [0.7, 0.8, 0.75, 0.9]
    found = summary(values)
    error = scipy.stats.sem(values)
    wanted = scipy.stats.t.interval(0.95, 3, np.mean(values), error)
    np.testing.assert_allclose(found["interval"], wanted, rtol=1e-12)
    wide = np.ptp(summary(values, overlap=1 / 3)["interval"])
    assert wide == pytest.approx(np.ptp(wanted) * (1 + 4 / 3) ** 0.5)
    assert summary([0.5, 0.5])["interval"] == [0.5, 0.5]


@pytest.mark.parametrize(
    "problem_type", ["single_label_classification", "multi_label_classification", "regression"]
)
def test_an_ensemble_means_the_average(problem_type):
    logits = np.random.default_rng(1).normal(0, 5, (3, 6, 4))
    mean = np.mean([probabilities(problem_type, each) for each in logits], axis=0)
    found = probabilities(problem_type, mean_logits(problem_type, list(logits)))
    np.testing.assert_allclose(found, mean, rtol=1e-12)


def test_certain_members_have_finite_logits():
    certain = [np.array([[500.0, -500.0]])] * 2
    for problem_type in ("single_label_classification", "multi_label_classification"):
        assert np.isfinite(mean_logits(problem_type, certain)).all()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "give folds, e.g. 5, or seeds"),
        ({"folds": 3, "seeds": [1, 2]}, r"exclude each other.*'folds': 3, 'seeds': \[1, 2\]"),
        ({"folds": 1}, "folds must be at least 2: 1"),
        ({"seeds": [4]}, r"seeds must be two numbers or more, all different: \[4\]"),
        ({"seeds": [4, 4]}, "two numbers or more, all different"),
        ({"folds": 3, "validation": "v.csv"}, "folds validate"),
        ({"folds": 3, "fold": [1, 3]}, "fold is for a single run"),
    ],
)
def test_contradictions_are_refused(changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        CrossvalidationRecipe(model="m", output="o", train="t.csv", **changes)


@pytest.mark.parametrize(
    ("name", "examples", "most", "what"),
    [
        ("token_classification", [1, 2, 3], 3, "3 training examples:"),
        (
            "sequence_classification",
            TextRows([""] * 9, [""] * 9, None, ["a"] * 7 + ["b"] * 2),
            2,
            "2 training examples of 'b', the rarest class",
        ),
        (
            "question_answering",
            tuple(Question(str(i), "why", f"context {i % 4}") for i in range(9)),
            4,
            "4 groups of training examples",
        ),
    ],
)
def test_more_folds_than_examples(name, examples, most, what):
    check_folds(task(name), examples, most)
    complaint = f"{most + 1} folds are more than the {what}.*Take fewer folds"
    with pytest.raises(ValueError, match=complaint):
        fold_of(task(name), examples, (1, most + 1), seed=1)


def test_too_many_folds_write_nothing(values, tmp_path):
    recipe = {**values, "validation": None, "folds": 30, "limit": 20}
    with pytest.raises(ValueError, match=r"30 folds are more than .* the rarest class"):
        crossvalidate(CrossvalidationRecipe(**recipe), verbose=0)
    with pytest.raises(ValueError, match="Did you mean 'label_smoothing'"):
        crossvalidate(CrossvalidationRecipe(**values, seeds=[1, 2], options={"label_smothing": 1}))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_seeds_and_their_ensemble(values, tmp_path):
    recipe = {**values, "epochs": 1, "seeds": [1, 2]}
    metrics = crossvalidate(CrossvalidationRecipe(**recipe), verbose=0)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    single = [
        json.loads((tmp_path / "run" / f"seed_{seed}" / "metrics.json").read_text())
        for seed in (1, 2)
    ]
    assert metrics["test"]["accuracy"]["values"] == [each["test"]["accuracy"] for each in single]
    asked = [predictor(tmp_path / "run" / f"seed_{seed}" / "bundle") for seed in (1, 2)]
    examples = asked[0].task.read(values["test"])
    means = np.mean(
        [probabilities("single_label_classification", each.outputs(examples)[1]["logits"])
         for each in asked], axis=0,
    )  # fmt: skip
    right = [asked[0].labels[best] for best in means.argmax(-1)] == np.array(examples.labels)
    assert metrics["ensemble"]["test"]["accuracy"] == pytest.approx(right.mean())
    with pytest.raises(FileExistsError, match="overwrite"):
        crossvalidate(CrossvalidationRecipe(**recipe), verbose=0)


@pytest.mark.slow
def test_folds_go_on_where_they_were_stopped(values, tmp_path, monkeypatch):
    from keras_bert_zoo.training import crossvalidation

    values = {**values, "validation": None, "epochs": 1, "folds": 3}
    whole = crossvalidate(
        CrossvalidationRecipe(**{**values, "output": str(tmp_path / "whole")}), verbose=0
    )
    assert len(whole["validation"]["accuracy"]["values"]) == 3
    assert whole["ensemble"].keys() == {"test"}

    finetune, ran = crossvalidation.finetune, []

    def stopped_in_the_second(recipe, **options):
        ran.append(recipe.output)
        if len(ran) == 2:
            raise KeyboardInterrupt
        return finetune(recipe, **options)

    monkeypatch.setattr(crossvalidation, "finetune", stopped_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        crossvalidate(CrossvalidationRecipe(**values), verbose=0)
    again = crossvalidate(CrossvalidationRecipe(**values, resume=True), verbose=0)
    assert len(ran) == 2 + 3
    losses = [each["validation"]["loss"] for each in (whole, again)]
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match=r"cannot go on with other settings: folds: was 3, is 4"):
        crossvalidate(CrossvalidationRecipe(**{**values, "folds": 4}, resume=True), verbose=0)
