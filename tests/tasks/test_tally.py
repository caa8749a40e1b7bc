"""What a score is made of: the parts of the examples give the score again."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import load
from keras_bert_zoo.evaluation.prediction import keras_runner
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.predictor import Predictor
from keras_bert_zoo.tasks.task import Settings

WORDS = [f"w{i}" for i in range(20)]
RANDOM = np.random.default_rng(5)
TAGS = {"names": ["O", "B-X", "I-X", "B-Y", "I-Y"], "words": ["NN", "VB", "DT"]}


def words(most):
    return RANDOM.choice(WORDS, RANDOM.integers(2, most)).tolist()


def tagged(names):
    tokens = words(12)
    return {"tokens": tokens, "tags": RANDOM.choice(names, len(tokens)).tolist()}


def question(index):
    context = words(16)
    start = RANDOM.integers(len(context) - 1)
    answers = [
        {"text": " ".join(context[start : start + size]), "answer_start": 0} for size in (1, 2)
    ]
    for answer in answers:
        answer["answer_start"] = len(" ".join([*context[:start], ""]))
    known = {} if index % 4 else {"is_impossible": True}
    return {
        "id": str(index),
        "question": " ".join(words(4)),
        "context": " ".join(context),
        "answers": answers if index % 4 else [],
        **known,
    }


def document(_):
    sentences = [" ".join(words(6)) for _ in range(5)]
    return {"text": sentences, "summary": " ".join(words(12))}


def pair(_):
    label = str(RANDOM.choice(["follows", "random"]))
    return {"text": " ".join(words(6)), "text_pair": " ".join(words(6)), "label": label}


def choices(_):
    texts = [" ".join(words(5)) for _ in range(3)]
    return {"text": " ".join(words(5)), "choices": texts, "label": int(RANDOM.integers(3))}


# task: its labels, how an example is made, options
CASES = {
    "names": ("token_classification", lambda _: tagged(TAGS["names"]), {}),
    "constrained names": (
        "token_classification",
        lambda _: tagged(TAGS["names"]),
        {"constrained": True},
    ),
    "words": ("token_classification", lambda _: tagged(TAGS["words"]), {}),
    "questions": ("question_answering", question, {"stride": 2, "max_question_length": 6}),
    "answered questions": (
        "question_answering",
        lambda index: question(4 * index + 1),
        {"stride": 2, "max_question_length": 6},
    ),
    "summaries": ("extractive_summarization", document, {}),
    "next": ("next_sentence", pair, {}),
    "choices": ("multiple_choice", choices, {}),
    "masked": ("masked_lm", lambda _: {"text": " ".join(words(9))}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_parts_of_examples_are_the_score(case, checkpoint, tokenizer, randomise, tmp_path):
    name, made, options = CASES[case]
    labels = TAGS.get(case.split()[-1]) if name == "token_classification" else None
    path = tmp_path / "data.jsonl"
    path.write_text("\n".join(json.dumps(made(index)) for index in range(40)))
    model = randomise(load(checkpoint, task=name, labels=labels).model)
    task = task_named(name)(Settings(max_length=16, options=options))
    ask = Predictor(
        keras_runner(task.prepared(model)), task, tokenizer, tuple(labels or ()), model=model
    )
    examples = task.read(str(path))
    judged = examples, *ask.outputs(examples), ask.labels
    score = task.score(*judged)[task.monitored(ask.labels)]
    parts = task.tally(*judged)
    assert parts.shape == (40, 2) and parts.dtype == "float64"
    assert (parts >= 0).all() and (parts[:, 0] <= parts[:, 1]).all()
    assert parts[:, 0].sum() / parts[:, 1].sum() == pytest.approx(score, abs=1e-12)
    assert 0 < score < 1


def test_other_scores_have_no_parts(tokenizer):
    assert task_named("sentence_embedding")(Settings(max_length=16)).tally([], [], {}, ()) is None
