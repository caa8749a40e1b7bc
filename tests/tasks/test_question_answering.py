from __future__ import annotations

import dataclasses
import json
import logging

import numpy as np
import pytest

from keras_bert_zoo.data.squad import Answer, Question
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Settings

NAMES = ("start_logits", "end_logits")
VOCABULARY = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "who", "met", "?", "京"),
    *(f"w{i}" for i in range(30)),
    *("##w1", "##w2"),
]


@pytest.fixture(scope="module")
def tokenizer():
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    return WordPieceTokenizer(VOCABULARY)


def task(max_length=16, **options):
    options = {"stride": 3, "max_question_length": 4, **options}
    return task_named("question_answering")(Settings(max_length=max_length, options=options))


def question(context, *answers, name="q"):
    found = tuple(Answer(text, context.index(text)) for text in answers)
    return Question(name, "who met w1 ?", context, found)


LONG = " ".join(f"w{i}" for i in range(30))
EXAMPLES = (
    question("w1  met 京w2", "京w2", "w2", name="a"),
    question(LONG, "w17 w18", name="b"),
    question("w3 met w4", name="c"),
)


def outputs_that_know(rows, *, null=0.0):
    """Logits that are large at the labels."""
    starts = np.cumsum(rows.encoded.lengths) - rows.encoded.lengths
    outputs = {name: np.zeros(rows.tokens, "float32") for name in NAMES}
    for name, values in outputs.items():
        values[starts] = null
        values[starts + rows.labels[name]] += 5.0
    return outputs


def test_rows_of_a_long_context_belong_to_one_question(tokenizer):
    rows = task().rows(EXAMPLES, tokenizer, ())
    # 9 tokens of a context in each row, 3 of them known from the one before.
    assert rows.memory.owners.tolist() == [0, 1, 1, 1, 1, 1, 2]
    assert rows.lengths.tolist() == [11, 16, 16, 16, 16, 13, 10]
    assert rows.labels["start_logits"].tolist() == [8, 0, 0, 11, 0, 0, 0]
    assert rows.labels["end_logits"].tolist() == [9, 0, 0, 12, 0, 0, 0]
    assert rows.labels["start_logits"].dtype == np.int32
    assert rows.kinds.tolist() == [True, False, False, True, False, False, False]


def test_answers_with_characters(tokenizer):
    ours = task(n_best=3, impossible=False)
    rows = ours.rows(EXAMPLES, tokenizer, ())
    answers = ours.answers(EXAMPLES, rows, outputs_that_know(rows), ())
    for example, answer in zip(EXAMPLES[:2], answers, strict=False):
        gold = example.answers[0]
        assert (answer["answer"], answer["start"], answer["end"]) == (
            gold.text,
            gold.start,
            gold.end,
        )
        assert answer["null_margin"] < 0
        first, *others = answer["n_best"]
        assert first == {key: answer[key] for key in ("answer", "start", "end", "score")}
        assert len(others) == 2
        assert all(each["score"] <= first["score"] for each in others)
        for each in answer["n_best"]:
            assert example.context[each["start"] : each["end"]] == each["answer"] != ""
        assert sum(each["score"] for each in answer["n_best"]) == pytest.approx(1, abs=1e-5)
    json.dumps(answers, allow_nan=False)


def test_no_answer_above_the_threshold(tokenizer):
    rows = task().rows(EXAMPLES, tokenizer, ())
    outputs = outputs_that_know(rows, null=1.0)
    answers = task().answers(EXAMPLES, rows, outputs, ())  # the third is known to have none
    assert [answer["answer"] for answer in answers] == ["京w2", "w17 w18", ""]
    silent = answers[2]
    # [CLS] has 1 + 5 twice, the best token 0.
    assert silent["null_margin"] == 12.0
    assert (silent["start"], silent["end"]) == (0, 0)
    assert silent["n_best"][0]["answer"] == "" and silent["n_best"][1]["answer"] != ""
    assert silent["score"] == silent["n_best"][0]["score"]

    bold = task(null_threshold=12.0).answers(EXAMPLES, rows, outputs, ())
    assert bold[2]["answer"] == silent["n_best"][1]["answer"]
    shy = task(null_threshold=-9.0).answers(EXAMPLES, rows, outputs, ())
    assert [answer["answer"] for answer in shy] == ["", "", ""]


def test_scores(tokenizer):
    ours = task()
    rows = ours.rows(EXAMPLES, tokenizer, ())
    scores = ours.score(EXAMPLES, rows, outputs_that_know(rows, null=1.0), ())
    assert scores["f1"] == scores["exact_match"] == scores["has_answer_f1"] == 1.0
    assert scores["best_f1"] == 1.0 and scores["best_f1_threshold"] < 12.0
    possible = EXAMPLES[:2]
    rows = ours.rows(possible, tokenizer, ())
    assert ours.score(possible, rows, outputs_that_know(rows), ()) == {"exact_match": 1, "f1": 1}
    assert ours.monitored(()) in scores


def test_questions_of_both_kinds_decide_the_threshold(tokenizer):
    for examples, options, tunes in (
        (EXAMPLES, {"impossible": True}, True),
        (EXAMPLES, {"impossible": True, "null_threshold": 3.0}, False),
        (EXAMPLES, {}, False),  # the training had an answer to each
        (EXAMPLES[:2], {"impossible": True}, False),
        (EXAMPLES[2:], {"impossible": True}, False),
    ):
        ours = task(**options)
        rows = ours.rows(examples, tokenizer, ())
        outputs = outputs_that_know(rows, null=30.0)
        found = ours.tuned(examples, rows, outputs, ())
        assert (found is not ours) == tunes, options
        if tunes:
            threshold = found.options.null_threshold
            assert found.options == dataclasses.replace(ours.options, null_threshold=threshold)
            lowest = ours.score(examples, rows, outputs, ())["best_f1_threshold"]
            assert lowest < threshold < 70.0  # the margin of the one without an answer
            assert ours.score(examples, rows, outputs, ())["f1"] < 1
            assert found.score(examples, rows, outputs, ())["f1"] == 1


def test_asked(tokenizer):
    ours = task(impossible=True)
    context = "w3 met w4"
    asked = ours.asked(
        [
            {"question": "who ?", "context": context, "id": 7},
            {"text": "who ?", "text_pair": context},
            ("who ?", context),
        ]
    )
    assert {(each.question, each.context, each.answers) for each in asked} == {
        ("who ?", context, None)
    }
    rows = ours.rows(asked, tokenizer, ())
    assert not rows.labels
    silent = {name: np.zeros(rows.tokens) for name in NAMES}
    answers = ours.answers(asked, rows, silent, ())
    assert [answer["null_margin"] for answer in answers] == [0.0] * 3
    assert (
        ours.answers((), ours.rows((), tokenizer, ()), dict.fromkeys(NAMES, np.zeros(0)), ()) == []
    )


@pytest.mark.parametrize(
    "question", ["who?", {"question": "who?"}, ("who?",), ("who?", 7), None, 7]
)
def test_what_is_no_question(question):
    with pytest.raises(ValueError, match=r"question 1 must be a dict with .* --pairs with a tab"):
        task().asked([("who?", "w1"), question])


def test_misspelt_keys_are_named():
    with pytest.raises(ValueError, match="Did you mean 'context' by 'contxt'"):
        task().asked([{"question": "who?", "contxt": "w1"}])


def test_one_question_is_no_list():
    with pytest.raises(ValueError, match="list of questions"):
        task().asked({"question": "who?", "context": "w1"})


def test_a_context_without_tokens_has_no_answer(tokenizer):
    examples = (Question("q", "who ?", "\u200b", None),)
    ours = task()
    rows = ours.rows(examples, tokenizer, ())
    (answer,) = ours.answers(examples, rows, {name: np.zeros(rows.tokens) for name in NAMES}, ())
    assert answer == {
        "answer": "", "start": 0, "end": 0, "score": 0.0, "n_best": [], "null_margin": None,
    }  # fmt: skip


def test_what_is_empty_has_an_empty_answer_and_the_others_theirs(tokenizer):
    known = ("who ?", "w3 met w4")
    empty = [("who ?", ""), (" \n", "w3 met w4"), {"question": "", "context": "\t"}]
    nothing = {"answer": "", "start": 0, "end": 0}
    for impossible in (False, True):
        ours = task(impossible=impossible)

        def answers(questions, ours=ours):
            asked = ours.asked(questions)
            rows = ours.rows(asked, tokenizer, ())
            logits = {name: rows.encoded.input_ids.astype("float32") for name in NAMES}
            return ours.answers(asked, rows, logits, ())

        first, *others, last = answers([known, *empty, known])
        assert [first] == [last] == answers([known])
        assert first["answer"]
        assert [ours.decision(each) for each in others] == [nothing] * 3
        assert {each["null_margin"] for each in others} == {None}
        assert {each["score"] for each in others} == {1.0 if impossible else 0.0}


def test_long_questions_are_cut_off(tokenizer):
    examples = (Question("q", "who met w1w1w2 w9 w9 w9", "w3 met w4", None),)
    ids = task().rows(examples, tokenizer, ()).encoded.input_ids
    names = [VOCABULARY[index] for index in ids]
    assert names == ["[CLS]", "who", "met", "w1", "##w1", "[SEP]", "w3", "met", "w4", "[SEP]"]


def test_answers_that_no_row_holds_are_counted(tokenizer, caplog):
    examples = (question(LONG, LONG), EXAMPLES[0])
    with caplog.at_level(logging.WARNING):
        rows = task().rows(examples, tokenizer, ())
    assert "1 of 2 answers are in no row" in caplog.text
    assert rows.labels["start_logits"].tolist()[:-1] == [0] * (len(rows) - 1)


@pytest.mark.parametrize(
    ("options", "complaints"),
    [
        ({"stride": -1, "n_best": 0}, ["stride", "-1", "n_best", "at least 1"]),
        ({"max_answer_length": 2.5}, ["max_answer_length", "2.5"]),
        ({"null_threshold": float("nan")}, ["null_threshold", "nan"]),
        ({"misplaced": "keep"}, ["misplaced", "'find'", "'keep'"]),
        ({"impossible": "yes"}, ["impossible", "'yes'"]),
        ({"strides": 1}, ["stride", "strides"]),
    ],
)
def test_options_out_of_range(options, complaints):
    with pytest.raises(ValueError) as caught:
        task(**options)
    for complaint in complaints:
        assert complaint in str(caught.value)


def test_rows_without_room(tokenizer):
    with pytest.raises(ValueError, match=r"max_length=16.*5 tokens of its context.*stride=9") as e:
        task(max_question_length=8, stride=9).rows(EXAMPLES, tokenizer, ())
    # Both ways out that are named are ways out, and the first is no longer than it must be.
    assert "Set max_length to 21 " in str(e.value)
    assert "e.g. to max_question_length=4 and stride=4" in str(e.value)
    task(21, max_question_length=8, stride=9).rows(EXAMPLES, tokenizer, ())
    task(16, max_question_length=4, stride=4).rows(EXAMPLES, tokenizer, ())
    with pytest.raises(ValueError, match="Set max_length to 21 "):
        task(20, max_question_length=8, stride=9).rows(EXAMPLES, tokenizer, ())
