"""What users pass: texts, pairs and records, and records with misspelt keys."""

from __future__ import annotations

import re

import pytest

from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.task import Settings


def test_records_are_read_by_their_columns():
    asked = [{"text": "a", "text_pair": "b", "id": 3}, {"text_pair": "d", "text": "c"}]
    assert texts_of(asked) == (["a", "c"], ["b", "d"])
    # A column of another name is not the second text.
    assert texts_of([{"text": "a", "text_b": "b", "label": "x"}]) == (["a"], None)


def test_columns_may_have_other_names():
    asked = [{"review": "a", "reply": "b", "text": "c"}]
    assert texts_of(asked, ("review", "reply")) == (["a"], ["b"])


def test_what_takes_single_texts_takes_no_pairs():
    with pytest.raises(
        ValueError, match=r"must be a string, or a dict of strings with \('text',\)"
    ):
        texts_of([("a", "b")], ("text",))


@pytest.mark.parametrize("question", [float("nan"), None, 3, ["a", float("nan")], {"text": None}])
def test_what_is_no_text_is_named(question):
    with pytest.raises(ValueError, match="question 1 must be a string"):
        texts_of(["a", question])


@pytest.mark.parametrize(
    ("name", "file", "content", "wrong"),
    [
        ("sequence_classification", "a.csv", "text,text_pair\nb,c\n", {"text": 3}),
        ("token_classification", "a.conll", "w1 O\nw2 B-X\n", {"tokens": 3}),
        (
            "question_answering",
            "a.json",
            '{"data": [{"paragraphs": [{"context": "w", "qas": [{"question": "w"}]}]}]}',
            {"question": 3},
        ),
        ("multiple_choice", "a.jsonl", '{"text": "b", "choices": ["c", "d"]}', {"text": 3}),
        ("extractive_summarization", "a.jsonl", '{"text": "B."}', {"text": 3}),
        ("masked_lm", "a.txt", "b [MASK]\n", {"text": 3}),
    ],
)
def test_files_are_asked_and_their_places_named(name, file, content, wrong, tmp_path):
    (tmp_path / file).write_text(content)
    task = task_named(name)(Settings(max_length=16))
    [question] = task.questions(str(tmp_path / file))
    assert len(task.asked([question])) == 1
    question.update(wrong)
    with pytest.raises(
        ValueError, match=re.escape(f"{tmp_path / file}, ") + "(line [12]|article 1)"
    ):
        task.asked([question])


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ({"txt": "a"}, "'text' by 'txt'"),
        ({"text": "a", "text_piar": "b"}, "'text_pair' by 'text_piar'"),
        ({"Text": "a"}, "'text' by 'Text'"),
    ],
)
def test_misspelt_keys_are_named(question, hint):
    with pytest.raises(ValueError, match=rf"question 1 must be .* Did you mean {hint}\?$"):
        texts_of([{"text": "a"}, question])
