"""Rows of choices as data sets publish them, and rows that are none."""

from __future__ import annotations

import csv
import json
import logging

import pytest

from keras_bert_zoo.data.choices import ChoiceTable

# By data set: a row as published, the first text, the pairs' second texts, the right one.
PUBLISHED = {
    "RACE": (
        {
            "example_id": "high1.txt",
            "article": "Ann went home.",
            "question": "Where did Ann go?",
            "options": ["Home.", "Out.", "Up.", "Off."],
            "answer": "C",
        },
        "Ann went home.",
        [f"Where did Ann go? {option}" for option in ("Home.", "Out.", "Up.", "Off.")],
        2,
    ),
    "RACE with a blank": (
        {"article": "Ann.", "question": "She is _ .", "options": ["in", r"\1"], "answer": "A"},
        "Ann.",
        ["She is in .", r"She is \1 ."],
        0,
    ),
    "SWAG": (
        {
            "video-id": "x",
            "startphrase": "He runs. He",
            "sent1": "He runs.",
            "sent2": "He",
            **{f"ending{index}": f"falls {index}." for index in range(11)},
            "label": 10,
        },
        "He runs.",
        [f"He falls {index}." for index in range(11)],
        10,
    ),
    "HellaSwag": (
        {"ind": 4, "ctx_a": "A", "ctx_b": "b", "ctx": "A b", "endings": ["x", "y"], "label": "1"},
        "A b",
        ["x", "y"],
        1,
    ),
    "ARC with numbers": (
        {
            "id": "M1",
            "question": "Which?",
            "choices": {"text": ["one", "two"], "label": ["1", "2"]},
            "answerKey": "2",
        },
        "Which?",
        ["one", "two"],
        1,
    ),
    "ARC with letters": (
        {"question": "W", "choices": {"text": ["p", "q"], "label": ["A", "B"]}, "answerKey": "A"},
        "W",
        ["p", "q"],
        0,
    ),
    "a text and its choices": (
        {"text": "t", "choices": ["p", "q", "r"], "label": "c", "question": "Q"},
        "t",
        ["Q p", "Q q", "Q r"],
        2,
    ),
}


def written(folder, rows, name="rows.jsonl"):
    path = folder / name
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_published_rows_are_read_as_they_are(tmp_path, name, form):
    row, text, seconds, label = PUBLISHED[name]
    other = row | ({"id": "M2"} if "id" in row else {})
    path = tmp_path / f"rows.{form}"
    if form == "csv":
        plain = [
            {k: v if isinstance(v, str) else json.dumps(v) for k, v in each.items()}
            for each in (row, other)
        ]
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerows(plain)
    else:
        written(tmp_path, [row, other])
    found = ChoiceTable().read(path)
    assert found.labels == [label, label] and len(found) == 2
    examples = found.examples()
    assert examples.texts == [text] * len(seconds) * 2
    assert examples.text_pairs == seconds * 2
    assert found[1:].labels == [label] and found[1:].members == len(seconds)
    assert found.places[0].startswith(f"{path}, line ")

    asked = ChoiceTable().asked([row])
    assert asked.labels is None and asked.examples().text_pairs == seconds


def test_columns_of_other_data_sets_are_named(tmp_path):
    row = {"goal": "Boil.", "sol1": "Fire.", "sol2": "Ice.", "note": "", "right": 0}
    usual = {name: row[name] for name in ("goal", "sol1", "sol2")} | {"label": 1}
    found = ChoiceTable(text="goal", choices="sol").read(written(tmp_path, [usual]))
    assert found.examples().text_pairs == ["Fire.", "Ice."] and found.labels == [1]
    table = ChoiceTable(text="goal", choices="sol", label="right")
    found = table.read(written(tmp_path, [row]))
    assert found.examples().text_pairs == ["Fire.", "Ice."] and found.labels == [0]
    with pytest.raises(ValueError, match=r"line 1: no columns .*'goal'.*options\.choices"):
        ChoiceTable().read(written(tmp_path, [row]))
    with pytest.raises(ValueError, match="no columns"):
        ChoiceTable(text="goal", choices="sol", label="right", question="q").read(
            written(tmp_path, [row])
        )


GOOD = {"text": "t", "choices": ["p", "q"], "label": 0}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"label": 2}, "label 2 names none of the 2 choices; valid are 0 to 1, or A to B"),
        ({"label": -1}, "label -1 names none"),
        ({"label": True}, "label True names none"),
        ({"label": ""}, "label '' names none"),
        ({"label": None}, "label None names none"),
        ({"label": "C"}, "label 'C' names none"),
        ({"text": 5}, "text must be a string, received 5"),
        ({"choices": ["p", None]}, "choice 1 must be a string, received None"),
        ({"choices": ["p"]}, "it takes two to choose"),
        ({"choices": "p, q"}, "'choices' must be a list of strings"),
        ({"choices": {"label": ["A"]}}, "'choices' must be a list of strings"),
        (
            {"choices": {"text": ["p", "q"], "label": ["1", "2"]}, "label": 0},
            "valid are 1, 2",
        ),
        ({"choices": ["", " "]}, "all 2 choices are empty"),
        ({"choices": ["", "q"]}, "the label 0 names an empty choice"),
        (
            {"choices": {"text": ["p", "q"], "label": ["A", "B", "C"]}, "label": "C"},
            r"'choices' has 2 texts and the labels \['A', 'B', 'C'\]: there must be one for each",
        ),
        (
            {"choices": {"text": ["p", "q"], "label": ["A", "A"]}, "label": "A"},
            "one for each, all different",
        ),
        ({"text": " "}, r"1 of 2 rows have an empty text or choice, the first at .*line 2"),
        ({"choices": ["p", ""]}, "1 of 2 rows have an empty text or choice"),
    ],
)
def test_rows_that_do_not_fit_are_named_by_file_and_line(tmp_path, changes, complaint):
    path = written(tmp_path, [GOOD, {**GOOD, **changes}])
    with pytest.raises(ValueError, match=complaint) as raised:
        ChoiceTable().read(path)
    assert "rows.jsonl, line 2" in str(raised.value)


def numbered(*numbers):
    return {"text": "t", "label": 1, **{f"choice{number}": f"c{number}" for number in numbers}}


def test_an_id_occurs_once(tmp_path):
    path = tmp_path / "rows.jsonl"
    row = {"text": "Ann", "choices": ["sat.", "ran."], "label": 0}
    rows = [row, {**row, "id": 1}, row, {**row, "id": 1}]
    path.write_text("\n".join(map(json.dumps, rows[:3])))
    assert len(ChoiceTable().read(path)) == 3
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 4: the id 1 is that of .*line 2 too"):
        ChoiceTable().read(path)


def test_rows_of_a_table_may_fill_fewer_columns(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,ending0,ending1,ending2,label\nt,a,b,c,2\nu,d,e,,1\n")
    found = ChoiceTable().read(path)
    assert found.choices == [["a", "b", "c"], ["d", "e"]] and found.labels == [2, 1]
    assert found.exists.tolist() == [[True] * 3, [True, True, False]]
    path.write_text("text,ending0,ending1,ending2,label\nt,a,b,c,2\nu,d,e,,2\n")
    with pytest.raises(ValueError, match="line 3: the label '2' names none of the 2 choices"):
        ChoiceTable().read(path)


def test_numbered_choices_have_no_gap(tmp_path):
    table = ChoiceTable(choices="choice")
    for numbers in [(0, 1, 2), (1, 2)]:
        found = table.read(written(tmp_path, [numbered(*numbers)]))
        assert found.choices == [[f"c{number}" for number in numbers]]
    for numbers, missing in [((0, 2), "choice1"), ((2, 3), "choice1"), ((1, 4), "choice2")]:
        with pytest.raises(ValueError, match=rf"line 1: .* without \['{missing}'"):
            table.read(written(tmp_path, [numbered(*numbers)]))


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ({"txt": "t", "choices": ["a", "b"]}, "'text' by 'txt'"),
        ({"text": "t", "choice": ["a", "b"]}, "'choices' by 'choice'"),
        ({"text": "t", "questoin": "q", "choices": ["a", "b"]}, "'question' by 'questoin'"),
        ({"snt1": "s", "sent2": "q", "ending0": "a", "ending1": "b"}, "'sent1' by 'snt1'"),
    ],
)
def test_misspelt_keys_are_named(question, hint):
    with pytest.raises(ValueError, match=rf"question 0.* Did you mean {hint}\?$"):
        ChoiceTable().asked([question])


def test_other_columns_of_a_file_are_no_misspellings(tmp_path):
    found = ChoiceTable().read(written(tmp_path, [{**GOOD, "questions": 3}]))
    assert found.questions == [""]


def test_a_label_that_is_not_there(tmp_path):
    path = written(tmp_path, [{"text": "t", "choices": ["p", "q"]}])
    with pytest.raises(ValueError, match="line 1: no columns of a text, choices, a label"):
        ChoiceTable().read(path)


def test_empty_texts_are_dropped_or_kept(tmp_path, caplog):
    path = written(tmp_path, [{**GOOD, "text": ""}, GOOD])
    with caplog.at_level(logging.WARNING):
        assert len(ChoiceTable(empty_texts="drop").read(path)) == 1
    assert "dropped 1 rows" in caplog.text
    assert len(ChoiceTable(empty_texts="keep").read(path)) == 2
    with pytest.raises(ValueError, match="empty_texts must be one of"):
        ChoiceTable(empty_texts="skip")
    with pytest.raises(ValueError, match="holds no rows"):
        ChoiceTable(empty_texts="drop").read(written(tmp_path, [{**GOOD, "text": ""}]))
