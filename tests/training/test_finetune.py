from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from keras_bert_zoo import load, predictor
from keras_bert_zoo.evaluation.prediction import predict_logits
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe


def run(values, **changes):
    return finetune(FinetuneRecipe(**{**values, **changes}), verbose=0)


@pytest.fixture(scope="module")
def finished(checkpoint, data, tmp_path_factory):
    """A run of a few rows of one width: its recipe without the directory, and the directory."""
    values = {
        "model": str(checkpoint),
        **{name: str(path) for name, path in data.items()},
        "max_length": 20,
        "batch_size": 8,
        "epochs": 1,
        "limit": 24,
        "buckets": [20],
    }
    output = tmp_path_factory.mktemp("finished") / "run"
    return values, run(values, output=str(output))


@pytest.fixture
def copied(finished, tmp_path):
    """The same where it may be changed: its recipe, and what it ended with."""
    values, result = finished
    output = shutil.copytree(result.bundle.parent, tmp_path / "run")
    moved = dataclasses.replace(result, bundle=output / "bundle")
    return {**values, "output": str(output)}, moved


def weights_of(result):
    return (result.bundle / "model.safetensors").read_bytes()


def without_speed(history):
    return [
        {name: value for name, value in epoch.items() if name != "tokens_per_second"}
        for epoch in history
    ]


def test_learns_and_leaves_a_bundle_and_a_log(values, tmp_path):
    result = run(values, epochs=4)
    assert result.metrics["test"]["accuracy"] > 0.9
    output = tmp_path / "run"
    left = {"bundle", "history.json", "history.csv", "metrics.json", "recipe.yaml", "logs"}
    assert {path.name for path in output.iterdir()} == left
    assert json.loads((output / "history.json").read_text()) == result.history
    assert len((output / "history.csv").read_text().splitlines()) == 5
    assert list((output / "logs").rglob("events*"))
    assert [epoch["epoch"] for epoch in result.history] == [1, 2, 3, 4]
    assert result.history[-1]["tokens_per_second"] > 0
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    best = max(epoch["val_accuracy"] for epoch in result.history)
    assert result.metrics["validation"]["accuracy"] == best

    loaded = load(result.bundle)
    assert loaded.config.labels == ("bad", "good")
    logits = predict_logits(loaded.model, loaded.tokenizer, ["w1 bad w2", "good", "bad w7 w8 w9"])
    np.testing.assert_array_equal(logits.argmax(axis=-1), [0, 1, 0])


def test_the_same_seed_gives_the_same_weights_to_the_bit(values, tmp_path):
    first = run(values)
    second = run(values, output=str(tmp_path / "again"))
    assert weights_of(first) == weights_of(second)
    assert without_speed(first.history) == without_speed(second.history)
    other = run(values, output=str(tmp_path / "other"), seed=2)
    assert weights_of(first) != weights_of(other)


@pytest.mark.parametrize(
    ("changes", "measure"),
    [
        (
            {"problem_type": "multi_label_classification", "label_column": "tags", "seed": 5},
            lambda scores: scores["accuracy"] > 0.75,
        ),
        (
            {"problem_type": "regression", "label_column": "number"},
            lambda scores: scores["pearson"] > 0.8,
        ),
        pytest.param(
            {"pair_column": "second", "seed": 2},
            lambda scores: scores["accuracy"] > 0.9,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["multi-label", "regression", "pairs"],
)
def test_every_kind_of_task_is_learnt(values, changes, measure):
    # So small a model learns from 203 rows with some seeds only.
    result = run(values, **changes, epochs=6, buckets=[20])
    assert measure(result.metrics["test"]), result.metrics
    assert load(result.bundle).config.problem_type == changes.get(
        "problem_type", "single_label_classification"
    )


def test_pairs_are_asked_for_as_pairs(values):
    """In files that name no second column too: half of each question would be left out."""
    result = run(values, pair_column="second", epochs=1, limit=24, buckets=[20])
    for source, scores in result.metrics.items():
        with pytest.raises(ValueError, match=r"no column \['text_pair'\]"):
            predictor(result.bundle).evaluate(values[source])
        named = predictor(result.bundle, pair_column="second").evaluate(values[source])
        assert named["accuracy"] == scores["accuracy"]
    with pytest.raises(ValueError, match="has learned pairs of texts, received single ones"):
        predictor(result.bundle)(["alone"])


@pytest.mark.slow
def test_without_validation_the_last_epoch_is_kept(values):
    result = run(values, validation=None, test=None, epochs=1)
    assert result.metrics == {}
    assert result.bundle.is_dir()


@pytest.mark.slow
def test_early_stopping_keeps_the_best_epoch(values, tmp_path):
    # Labels are turned round: the more it learns, the worse it is.
    rows = pathlib.Path(values["validation"]).read_text(encoding="utf-8")
    turned = {"good": '"label": "bad"', "bad": '"label": "good"'}
    validation = tmp_path / "turned.jsonl"
    validation.write_text(re.sub(r'"label": "(\w+)"', lambda found: turned[found[1]], rows))
    changes = {"validation": str(validation), "monitor": "val_loss"}
    result = run(values, epochs=8, patience=2, **changes)
    losses = [epoch["val_loss"] for epoch in result.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 8
    assert result.metrics["validation"]["loss"] == pytest.approx(losses[best], rel=1e-6)


def test_a_finished_run_is_not_run_again(copied):
    values, first = copied
    before = weights_of(first)
    again = run(values, resume=True)
    assert again.metrics == first.metrics
    assert again.history == first.history
    assert weights_of(again) == before
    with pytest.raises(ValueError, match=r"recipe\.yaml cannot go on .*epochs: was 1, is 9"):
        run(values, epochs=9, resume=True)


def test_output_that_exists_is_refused_but_for_overwrite(copied, tmp_path):
    values, first = copied
    before = weights_of(first)
    with pytest.raises(FileExistsError, match="overwrite"):
        run(values)
    second = run(values, seed=4, overwrite=True)
    assert before != weights_of(second) == weights_of(first)  # the same file by now
    assert len(second.history) == 1
    (tmp_path / "run" / "thesis.docx").write_text("three years of work")
    for switch in ({}, {"overwrite": True}):
        with pytest.raises(FileExistsError, match=r"\['thesis\.docx'\], which no run writes"):
            run(values, **switch)
    with pytest.raises(FileExistsError, match="is no directory"):
        run(values, output=str(tmp_path / "run" / "thesis.docx"), overwrite=True)
    assert (tmp_path / "run" / "thesis.docx").read_text() == "three years of work"


def test_bad_data_leaves_the_older_run(copied, tmp_path):
    values, _ = copied
    with pytest.raises(ValueError, match="no column"):
        run(values, label_column="labels", overwrite=True)
    assert (tmp_path / "run" / "metrics.json").is_file()


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"max_length": 25}, ValueError, "max_length must be from 3 to 24"),
        ({"monitor": "val_acuracy"}, ValueError, "Did you mean 'val_accuracy' by 'val_acuracy'"),
        ({"labels": ["good", "fine"]}, ValueError, r"train\.jsonl, line \d+: unknown label 'bad'"),
        ({"resume": True}, FileNotFoundError, "no run to resume"),
        ({"train": "none.csv"}, FileNotFoundError, r"none\.csv"),
        (
            {"label_column": "tags"},
            ValueError,
            r"train\.jsonl, line 1: .*class name or index.*multi_label_classification",
        ),
    ],
)
def test_recipes_that_do_not_fit_are_refused_before_training(
    values, changes, error, complaint, tmp_path
):
    output = tmp_path / "runs" / "first"
    with pytest.raises(error, match=complaint):
        run(values, **{**changes, "output": str(output)})
    assert not output.parent.exists()


def test_one_class_is_none(values, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("text,label\nw1,good\nw2,good\n")
    with pytest.raises(ValueError, match="one class only"):
        run(values, train=str(path))


def test_leftovers_of_a_killed_save_do_not_matter(values, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".state.safetensors.tmp").write_bytes(b"half")
    few = {"limit": 24, "buckets": [20]}
    assert run(values, **few, epochs=1, overwrite=True).bundle.is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_learns_in_mixed_precision(values, dtype):
    result = run(values, epochs=4, dtype=dtype)
    assert result.metrics["test"]["accuracy"] > 0.9


def test_output_below_a_file_cannot_be_made(values, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        run(values, output=str(tmp_path / "file" / "run"))


def test_a_run_that_diverges_ends_without_a_bundle(values, tmp_path):
    with pytest.raises(ValueError, match="smaller learning_rate"):
        run(values, learning_rate=1e30, buckets=[20])
    assert not (tmp_path / "run" / "bundle").exists()
