"""A tiny model learns to find an answer, in contexts that take several rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import load, predictor
from keras_bert_zoo.export.asking import predictor as predictor_of_artifact
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.tasks.task import REMEMBERED
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

OPTIONS = {"stride": 4, "max_question_length": 3}


def questions(count, seed, *, impossible):
    """Contexts of up to 30 words; the answer is "good", or there is none."""
    random = np.random.default_rng(seed)
    for index in range(count):
        words = [f"w{i}" for i in random.integers(0, 30, random.integers(3, 30))]
        answers = []
        if not impossible or index % 3:
            place = int(random.integers(len(words)))
            start = len(" ".join(words[:place])) + (place > 0)
            words.insert(place, "good")
            answers = [{"text": "good", "answer_start": start}]
        yield {
            "id": f"{seed}-{index}",
            "question": "w1 bad",
            "context": " ".join(words),
            "answers": answers,
            **({"is_impossible": not answers} if impossible else {}),
        }


def squad(rows):
    paragraphs = [{"context": row.pop("context"), "qas": [row]} for row in rows]
    return {"version": "v2.0", "data": [{"title": "t", "paragraphs": paragraphs}]}


@pytest.fixture
def recipe(checkpoint, tmp_path):
    def make(impossible=False, **changes):
        train, dev = tmp_path / "train.json", tmp_path / "dev.jsonl"
        train.write_text(json.dumps(squad(questions(150, 1, impossible=impossible))))
        dev.write_text("\n".join(map(json.dumps, questions(30, 2, impossible=impossible))))
        values = {
            "task": "question_answering",
            "model": str(checkpoint),
            "train": str(train),
            "validation": str(dev),
            "max_length": 20,
            "batch_size": 16,
            "buckets": [20],
            "learning_rate": 1e-2,
            "epochs": 1,
            "output": str(tmp_path / "run"),
            "options": OPTIONS,
        }
        return FinetuneRecipe(**{**values, **changes})

    return make


@pytest.mark.slow
@pytest.mark.parametrize("impossible", [False, True])
def test_learns(recipe, impossible, tmp_path):
    result = finetune(recipe(impossible, epochs=4), verbose=0)
    scores = result.metrics["validation"]
    assert scores["f1"] > 0.9, scores
    best = "val_best_f1" if impossible else "val_f1"
    kept = max(result.history, key=lambda epoch: epoch["val_f1"])
    assert scores["f1"] == pytest.approx(kept[best])
    assert ("no_answer_f1" in scores) == impossible
    loaded = load(result.bundle)
    assert loaded.model.task == "question_answering"
    ask = predictor(result.bundle, max_length=20, options=OPTIONS)
    assert ask.evaluate(str(tmp_path / "dev.jsonl"))["f1"] == scores["f1"]
    (answer,) = ask([("w1 bad", "w1  w2 good w3")])
    assert (answer["answer"], answer["start"]) == ("good", 7)
    assert (result.bundle / "README.md").read_text().count("AutoModelForQuestionAnswering") == 1


@pytest.mark.parametrize("impossible", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_bundle_knows_whether_there_may_be_no_answer(recipe, impossible):
    """Also where questions are asked, whose answers nobody knows."""
    bundle = finetune(recipe(impossible), verbose=0).bundle
    config = json.loads((bundle / "config.json").read_text())
    stored = config[REMEMBERED]["question_answering"]["options"]
    assert stored.pop("null_threshold", 0) != 0 or not impossible
    assert stored == {**OPTIONS, **({"impossible": True} if impossible else {})}
    # With this threshold there is no answer wherever there may be none.
    [answer] = predictor(bundle, options={"null_threshold": -1e3})([("w1 bad", "w1 good w3")])
    assert (answer["answer"] == "") == impossible


@pytest.mark.slow
def test_the_bundle_remembers_the_best_null_threshold(recipe, tmp_path, capsys):
    """Scores count with it, also those of the test; one that the recipe states stays."""
    result = finetune(recipe(True, test=str(tmp_path / "dev.jsonl")), verbose=2)
    scores = result.metrics["validation"]
    threshold = predictor(result.bundle).task.options.null_threshold
    assert threshold > scores["best_f1_threshold"]
    assert scores["f1"] == pytest.approx(scores["best_f1"])
    assert result.metrics["test"] == scores
    assert f"remembers: {{'null_threshold': {threshold}}}" in capsys.readouterr().out
    assert predictor(result.bundle).evaluate(str(tmp_path / "dev.jsonl"))["f1"] == scores["f1"]

    stated = recipe(True, options={**OPTIONS, "null_threshold": 1e3}, overwrite=True)
    result = finetune(stated, verbose=2)
    assert "chosen by validation" not in capsys.readouterr().out
    assert predictor(result.bundle).task.options.null_threshold == 1e3
    assert result.metrics["validation"]["no_answer_f1"] == 0


@pytest.mark.slow
def test_artifacts_know_whether_there_may_be_no_answer(recipe, tmp_path):
    bundle = finetune(recipe(impossible=True), verbose=0).bundle
    [artifact] = export(bundle, tmp_path / "exports", ["onnx"], progress=False)
    ask = predictor_of_artifact(artifact, options={"null_threshold": -1e3})
    [answer] = ask([("w1 bad", "w1 good w3")])
    assert answer["answer"] == ""


def test_bad_data_and_options_are_refused_before_training(recipe, tmp_path):
    (tmp_path / "wrong.jsonl").write_text('{"id": 1, "question": "w1", "context": "w1"}\n')
    for changes, complaint in (
        ({"train": str(tmp_path / "wrong.jsonl")}, r"wrong\.jsonl, line 1: no \['answers'\]"),
        ({"options": {}}, "max_length=20.*stride=128"),
        ({"options": {"stried": 1}}, "stried"),
        ({"labels": ["a", "b"]}, "no labels"),
    ):
        with pytest.raises(ValueError, match=complaint):
            finetune(recipe(**changes), verbose=0)
    assert not (tmp_path / "run" / "bundle").exists()
