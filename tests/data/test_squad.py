from __future__ import annotations

import copy
import json
import logging

import pytest

from keras_bert_zoo.data.squad import Answer, QuestionFile

CONTEXT = "Zürich is a city. The city has a lake; 东京 is a city too."


def squad(*questions, context=CONTEXT):
    return {"version": "v2.0", "data": [{"paragraphs": [{"context": context, "qas": questions}]}]}


def question(name="q1", answers=(("city", 12),), **more):
    answers = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": name, "question": "What?", "answers": answers, **more}


def write(path, content):
    lines = isinstance(content, list)
    text = "\n".join(map(json.dumps, content)) if lines else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def read(tmp_path, content, **options):
    name = "a.jsonl" if isinstance(content, list) else "a.json"
    return QuestionFile(**options).read(write(tmp_path / name, content))


def line(**changes):
    whole = {"context": CONTEXT, **question()}
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def test_squad_files_of_both_versions(tmp_path):
    content = squad(
        question("a", (("city", 12), ("东京", 39))),
        question("b", (), is_impossible=True, plausible_answers=[{"text": "x"}]),
        question("c", is_impossible=False),
    )
    content["data"].append(copy.deepcopy(content["data"][0]))
    for each in content["data"][1]["paragraphs"][0]["qas"]:
        each["id"] += "2"
    first, second, third, *others = read(tmp_path, content)
    assert first.answers == (Answer("city", 12), Answer("东京", 39))
    assert first.context[39:41] == "东京"
    assert (first.question, first.context, first.id) == ("What?", CONTEXT, "a")
    assert second.impossible and not third.impossible
    assert others[1].place.endswith("a.json, article 2, paragraph 1, question 2")


def test_rows_of_the_data_set_are_the_same_questions(tmp_path):
    lists = {"text": ["city", "东京"], "answer_start": [12, 39]}
    objects = [{"text": "city", "answer_start": 12}, {"text": "东京", "answer_start": 39}]
    nothing = {"text": [], "answer_start": []}
    rows = [
        line(id="a", answers=lists, title="ignored"),
        line(id="b", answers=objects, is_impossible=False),
        line(id=3, answers=nothing),
        line(id="d", answers=..., is_impossible=True),
    ]
    first, second, third, fourth = read(tmp_path, rows)
    assert first.answers == second.answers == (Answer("city", 12), Answer("东京", 39))
    assert third.impossible and fourth.impossible
    assert third.id == "3"
    assert second.place.endswith("a.jsonl, line 2")


@pytest.mark.parametrize(
    ("content", "complaints"),
    [
        ([line(), line()], ["line 2", "'q1'", "line 1"]),
        (squad(question(), question()), ["question 2", "'q1'", "paragraph 1, question 1"]),
        ([line(question=...)], ["line 1", "no ['question']", "'context'"]),
        ([line(answers=...)], ["line 1", "no ['answers']"]),
        ([line(question=7)], ["line 1", "'question' must be a string", "7"]),
        ([line(), line(id="2", question=" ")], ["line 2", "is empty", "1 of 2", "'drop'"]),
        ([line(context="", answers=[])], ["line 1", "context is empty"]),
        ([line(id=None)], ["line 1", "'id'", "None"]),
        ([line(answers="city")], ["line 1", "'answers'", "answer_start", "'city'"]),
        ([line(answers={"text": ["city"], "answer_start": []})], ["line 1", "one length"]),
        ([line(answers=[{"text": "city"}])], ["line 1", "'answer_start'", "None"]),
        ([line(answers=[{"text": "", "answer_start": 1}])], ["line 1", "'text'", "''"]),
        ([line(answers=[{"text": "city", "answer_start": "12"}])], ["line 1", "'12'"]),
        ([line(is_impossible=True)], ["line 1", "1 answers", "is_impossible is True"]),
        ([line(answers=[], is_impossible=False)], ["0 answers", "is_impossible is False"]),
        (
            [line(answers=[{"text": "city", "answer_start": 11}])],
            ["line 1", "'city'", "answer_start 11", "' cit'", "'drop'", "'find'"],
        ),
        ([line(answers=[{"text": "city", "answer_start": -1}])], ["answer_start -1"]),
        ([line(answers=[{"text": "city", "answer_start": 9999}])], ["there stands ''"]),
        (squad(question(answers=[("town", 12)])), ["article 1, paragraph 1, question 1", "'town'"]),
        (squad({"id": "a"}), ["question 1", "no ['question', 'answers']"]),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, ["paragraph 1", "no 'context'", "'qas'"]),
        ({"data": [{"paragraph": []}]}, ["article 1", "no list 'paragraphs'", "['paragraph']"]),
        ({"data": ["x"]}, ["article 1", "must be an object", "'x'"]),
        ({"questions": []}, ["no list 'data'", "['questions']", ".jsonl"]),
        (squad(), ["holds no questions"]),
    ],
)
def test_bad_input_is_named_with_its_place(tmp_path, content, complaints):
    with pytest.raises(ValueError) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(str(tmp_path / "a.json"))
    for complaint in complaints:
        assert complaint in str(caught.value)


def test_json_lines_by_another_name(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("{}\n{}\n")
    with pytest.raises(ValueError, match=r"a\.json: not valid JSON.*line 2.*named \.jsonl"):
        QuestionFile().read(path)


def test_no_file_and_no_format(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"\.json"):
        QuestionFile().read(tmp_path / "none.json")
    (tmp_path / "a.xml").write_text("<x/>")
    with pytest.raises(ValueError, match="cannot tell the format"):
        QuestionFile().read(tmp_path / "a.xml")


def test_misplaced_answers_are_dropped_or_found(tmp_path, caplog):
    # "city" is at 12, 22 and 47.
    starts = {"right": 12, "left": 16, "near": 40, "before": -5, "after": 500}
    content = squad(*(question(name, [("city", start)]) for name, start in starts.items()))
    with caplog.at_level(logging.WARNING):
        kept = read(tmp_path, content, misplaced="drop")
    assert [each.id for each in kept] == ["right"]
    assert "dropped 4 of 5 questions" in caplog.text
    with caplog.at_level(logging.WARNING):
        moved = read(tmp_path, content, misplaced="find")
    assert [each.answers[0].start for each in moved] == [12, 12, 47, 12, 47]
    assert "moved the answers of 4 of 5 questions" in caplog.text


def test_an_answer_that_is_nowhere_cannot_be_found(tmp_path):
    with pytest.raises(ValueError, match=r"question 1.*'town'.*'drop'"):
        read(tmp_path, squad(question(answers=[("town", 3)])), misplaced="find")
    with pytest.raises(ValueError, match="no question is left"):
        read(tmp_path, squad(question(answers=[("town", 3)])), misplaced="drop")


def misplaced_in_two_ways():
    """An answer in its place, one beside it, and one that is nowhere."""
    answers = {"right": [("city", 12)], "near": [("city", 16)], "lost": [("city", 12), ("town", 3)]}
    return squad(*(question(name, found) for name, found in answers.items()))


def test_misplaced_answers_are_counted(tmp_path):
    content = misplaced_in_two_ways()
    with pytest.raises(ValueError, match=r"'city' is not at .*16 .*'near'; .* 2 of 3 questions"):
        read(tmp_path, content)
    with pytest.raises(
        ValueError, match=r"'town' is not at .* 3 .*'lost' nor anywhere.* 1 of 3 questions.*or_drop"
    ):
        read(tmp_path, content, misplaced="find")


def test_misplaced_answers_are_found_or_else_dropped(tmp_path, caplog):
    content = misplaced_in_two_ways()
    with caplog.at_level(logging.WARNING):
        kept = read(tmp_path, content, misplaced="find_or_drop")
    assert [(each.id, each.answers[0].start) for each in kept] == [("right", 12), ("near", 12)]
    assert "dropped 1 of 3 questions" in caplog.text
    assert "moved the answers of 1 of 3 questions" in caplog.text


def test_empty_texts_are_dropped_or_kept(tmp_path, caplog):
    rows = [line(), line(id="2", question="\t")]
    with caplog.at_level(logging.WARNING):
        assert len(read(tmp_path, rows, empty_texts="drop")) == 1
    assert "dropped 1 questions" in caplog.text
    assert len(read(tmp_path, rows, empty_texts="keep")) == 2


def test_a_context_of_one_megabyte(tmp_path):
    context = "word " * 200_000 + "answer"
    (found,) = read(
        tmp_path, squad(question(answers=[("answer", 0)]), context=context), misplaced="find"
    )
    assert found.answers == (Answer("answer", 1_000_000),)


@pytest.mark.parametrize("option", ["misplaced", "empty_texts"])
def test_unknown_choices(option):
    with pytest.raises(ValueError, match=f"{option} must be one of.*'keeep'"):
        QuestionFile(**{option: "keeep"})
