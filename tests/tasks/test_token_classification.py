"""Tagging: labels of tokens, entities of answers, a model that learns."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import predictor
from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.tagging import TaggedText
from keras_bert_zoo.evaluation import tagging
from keras_bert_zoo.tasks.task import Settings
from keras_bert_zoo.tasks.token_classification import TokenClassification
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

LABELS = ("O", "B-PER", "I-PER")


def task(max_length=12, **options):
    return TokenClassification(Settings(max_length=max_length, options=options))


def test_the_first_token_of_a_word_learns_its_tag(tokenizer):
    [example] = task().asked([{"tokens": ["w1", "bobby", "w2"], "tags": ["O", "B-PER", "O"]}])
    rows = task().rows([example], tokenizer, LABELS)
    # [CLS] w1 bob ##by w2 [SEP]
    expected = [IGNORED, 0, 1, IGNORED, 0, IGNORED]
    assert rows.token_labels["logits"].tolist() == expected
    rows = task(subwords="all").rows([example], tokenizer, LABELS)
    assert rows.token_labels["logits"].tolist() == [IGNORED, 0, 1, 2, 0, IGNORED]


def test_every_word_of_a_long_text_learns_once(tokenizer):
    tags = ["B-PER", "I-PER", "O"] * 6
    [example] = task().asked([{"tokens": ["w3"] * 18, "tags": tags}])
    rows = task(8, stride=2).rows([example], tokenizer, LABELS)
    learned = rows.token_labels["logits"]
    assert len(rows) > 2
    assert (learned != IGNORED).sum() == 18
    # What is learned is what is scored: the labels as answers are all right.
    outputs = {"logits": np.eye(3)[np.where(learned == IGNORED, 0, learned)] * 9}
    assert task(8, stride=2).score([example], rows, outputs, LABELS)["f1"] == 1.0


def test_answers_are_entities_with_characters(tokenizer):
    examples = task().asked(["w1 bobby ann, w2", "", "w2"])
    rows = task().rows(examples, tokenizer, LABELS)
    chosen = np.zeros(rows.tokens, int)
    chosen[[2, 4]] = 1, 2  # bob, ann
    outputs = {"logits": np.eye(3)[chosen] * 5}
    first, second, third = task().answers(examples, rows, outputs, LABELS)
    [entity] = first["entities"]
    assert (entity["label"], entity["text"]) == ("PER", "bobby ann")
    assert (entity["start"], entity["end"]) == (3, 12)
    assert entity["score"] == pytest.approx(np.exp(5) / (np.exp(5) + 2), abs=1e-6)
    assert second == third == {"entities": []}


def test_tags_that_are_no_entities_are_answered_for_each_word(tokenizer):
    examples = task().asked([["w1", "w2"]])
    rows = task().rows(examples, tokenizer, ("NN", "VB"))
    outputs = {"logits": np.array([[0, 0], [3, 0], [0, 3], [0, 0]], "float32")}
    [answer] = task().answers(examples, rows, outputs, ("NN", "VB"))
    assert [(unit["label"], unit["text"]) for unit in answer["tags"]] == [
        ("NN", "w1"),
        ("VB", "w2"),
    ]


def test_unknown_tags_and_options_are_named(tokenizer):
    example = TaggedText("w1", ((0, 2),), ("B-LOC",), "test.conll, line 9")
    with pytest.raises(ValueError, match=r"test\.conll, line 9: unknown tag 'B-LOC'"):
        task().rows([example], tokenizer, LABELS)
    with pytest.raises(ValueError, match=r"received \['strid'\]"):
        task(strid=3)
    with pytest.raises(ValueError, match="'first' or 'all', received 'some'"):
        task(subwords="some")


def test_scores_are_seqevals():
    true = [["B-A", "I-A", "O"], ["B-B", "O"]]
    predicted = [["B-A", "I-A", "O"], ["O", "B-B"]]
    assert tagging.score(true, predicted) == {
        "f1": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "accuracy": 0.6,
    }
    segmented = tagging.score([list("BMES")], [list("BESS")])
    assert segmented["f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert set(tagging.score([["NN", "VB"]], [["NN", "NN"]])) == {"accuracy", "f1_macro"}


@pytest.fixture
def recipe(checkpoint, tmp_path):
    generator = np.random.default_rng(0)
    for name, count in (("train", 200), ("test", 40)):
        lines = []
        for _ in range(count):
            words = [f"w{i}" for i in generator.integers(0, 20, generator.integers(1, 12))]
            tags = ["O"] * len(words)
            at = int(generator.integers(0, len(words) + 1))
            words[at:at], tags[at:at] = ["ann", "bobby"], ["B-PER", "I-PER"]
            if generator.random() < 0.5:
                words.append("rome")
                tags.append("B-LOC")
            lines += [*(f"{w}\t{t}" for w, t in zip(words, tags, strict=True)), ""]
        (tmp_path / f"{name}.conll").write_text("\n".join(lines))
    return FinetuneRecipe(
        model=str(checkpoint),
        output=str(tmp_path / "run"),
        task="token_classification",
        train=str(tmp_path / "train.conll"),
        validation=str(tmp_path / "test.conll"),
        test=str(tmp_path / "test.conll"),
        options={"stride": 4},
        max_length=12,
        batch_size=8,
        learning_rate=1e-2,
        epochs=4,
    )


def test_a_tagger_learns_and_answers(recipe, tmp_path):
    result = finetune(recipe, verbose=0)
    assert result.metrics["test"]["f1"] > 0.9, result.metrics
    assert result.metrics["validation"]["f1"] == max(each["val_f1"] for each in result.history)
    ask = predictor(result.bundle)
    assert ask.task.options.stride == 4  # as it was trained
    [answer] = ask(["w1 ann bobby w2 rome"])
    found = [(entity["label"], entity["text"]) for entity in answer["entities"]]
    assert found == [("PER", "ann bobby"), ("LOC", "rome")]
    assert ask.evaluate(recipe.test)["f1"] == pytest.approx(result.metrics["test"]["f1"])
    assert json.dumps(answer)
    config = json.loads((result.bundle / "config.json").read_text())
    assert config["architectures"] == ["BertForTokenClassification"]
    assert config["problem_type"] is None
