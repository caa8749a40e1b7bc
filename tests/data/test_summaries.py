"""Documents are read as they are written, whole, and refused where they are wrong."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_bert_zoo.data.summaries import Document, SummaryTable, sentence_spans


def write(tmp_path, *rows, name="papers.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def read(tmp_path, *rows, **options):
    return SummaryTable(**options).read(write(tmp_path, *rows))


@given(st.text(st.sampled_from("aB.!?。！…”) \n\x01天"), max_size=60))
def test_only_white_space_lies_outside_of_sentences(text):
    spans = sentence_spans(text)
    assert list(spans) == sorted(spans)
    inside = " ".join(text[start:end] for start, end in spans)
    assert "".join(inside.replace("\x01", " ").split()) == "".join(
        text.replace("\x01", " ").split()
    )
    for start, end in spans:
        assert text[start:end].strip() == text[start:end] != ""


def test_sentences_of_texts_in_english_and_chinese():
    text = "It rains. Dr. Wu\nstays.\n\nA heading\n \nThe end!今天下雨。明天呢？"
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "It rains.", "Dr. Wu\nstays.", "A heading", "The end!今天下雨。", "明天呢？",
    ]  # fmt: skip


def test_texts_sentences_and_sections(tmp_path):
    one, two, three = read(
        tmp_path,
        {"text": "One. Two.", "summary": "S."},
        {"sentences": ["One .", "Two"], "text": "not read", "summary": ["S.", "T."]},
        {"sentences": {"abstract": ["A."], "body": ["B.", "C."]}, "labels": [0, True, 1]},
    )
    assert one.sentences == ("One.", "Two.")
    assert (one.summary, one.labels, one.reference) == ("S.", None, "S.")
    assert two.sentences == ("One .", "Two")
    assert two.text == "One .\nTwo"
    assert two.summary == "S.\nT."
    assert three.sentences == ("A.", "B.", "C.")
    assert three.labels == (0, 1, 1)
    assert three.reference == "B.\nC."


def test_indices_columns_and_csv(tmp_path):
    [found] = read(tmp_path, {"sentences": ["a", "b", "c"], "extracted": [2, 0]})
    assert found.labels == (1, 0, 1)
    [found] = read(
        tmp_path, {"article": "A. B.", "highlights": "A."}, text="article", summary="highlights"
    )
    assert (found.text, found.summary) == ("A. B.", "A.")
    path = tmp_path / "papers.csv"
    path.write_text('id,text,summary\n1,"One, two. Three.",Two\n', encoding="utf-8")
    [found] = SummaryTable().read(path)
    assert found == Document(f"{path}, line 2", "One, two. Three.", ((0, 9), (10, 16)), "Two")


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_lists_in_a_csv_are_json(tmp_path, suffix):
    rows = [
        {"sentences": ["Ann, 7.", "B."], "summary": ["S.", "T."]},
        {"sentences": {"a": ["A."], "b": ["B."]}, "labels": {"a": [0], "b": [1]}},
        {"sentences": ["A.", "B.", "C."], "extracted": [2, 0]},
    ]
    for number, columns in enumerate(rows):
        path = tmp_path / f"papers{number}.{suffix}"
        fields = [json.dumps(value) for value in columns.values()]
        if suffix == "csv":
            fields = ['"' + field.replace('"', '""') + '"' for field in fields]
        mark = {"csv": ",", "tsv": "\t"}[suffix]
        path.write_text("\n".join(mark.join(each) for each in (columns, fields)), encoding="utf-8")
        [found] = SummaryTable().read(path)
        [same] = read(tmp_path, columns)
        assert dataclasses.replace(found, place=same.place) == same


def test_prose_in_brackets_stays_prose(tmp_path):
    [found] = read(tmp_path, {"text": '["A. B."]', "summary": "[deleted] {x}"})
    assert (found.text, found.summary) == ('["A. B."]', "[deleted] {x}")
    path = tmp_path / "papers.csv"
    path.write_text('text,labels\nA. B.,"[1, 0"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2: labels must be a list, in a CSV as JSON, rec.*"):
        SummaryTable().read(path)


PAPER = {
    "id": "P1",
    "sentences": {"abstract": ["A."], "conclusion": ["B.", "C."]},
    "summary": {"challenge": "Hard.", "outcome": "Good."},
    "highlights": {
        "challenge": {"abstract": [1], "conclusion": [0, 0]},
        "outcome": {"abstract": [0], "conclusion": [0, 1]},
    },
}


def test_aclsum_as_it_is_published(tmp_path):
    [all_of_it] = read(tmp_path, PAPER)
    assert (all_of_it.summary, all_of_it.labels) == ("Hard.\nGood.", None)
    [one] = read(tmp_path, PAPER, aspect="outcome", label="highlights")
    assert (one.summary, one.labels) == ("Good.", (0, 0, 1))
    with pytest.raises(ValueError, match=r"line 1: summary has no aspect 'x', only \['challenge'"):
        read(tmp_path, PAPER, aspect="x")
    with pytest.raises(ValueError, match=r"labels has no aspect 'outcome', only no aspects"):
        read(tmp_path, {**PAPER, "labels": [0, 0, 1]}, aspect="outcome")
    with pytest.raises(ValueError, match=r"line 1: no column gold\. The columns are \['id'"):
        read(tmp_path, PAPER, label="gold")
    with pytest.raises(ValueError, match=r"highlights must be 0 or 1 for each of the 3 sent.* 6"):
        read(tmp_path, PAPER, label="highlights")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": " \n", "summary": "S."}, "the document has no sentence"),
        ({"sentences": [], "summary": "S."}, "the document has no sentence"),
        ({"sentences": ["a", " "], "summary": "S."}, "sentences: sentence 1 is empty"),
        ({"sentences": ["a", 3], "summary": "S."}, "sentences must be a text or a list of sent"),
        (
            {"sentences": 3, "summary": "S."},
            "sentences must be a text or a list of sentences, received 3",
        ),
        ({"text": None, "summary": "S."}, "no column sentences or text.*text_column"),
        ({"text": "A.", "abstract": "S."}, "no column summary, labels or extracted.*pair_column"),
        ({"text": "A.", "summary": ["", " "]}, "summary is empty"),
        ({"text": "Aa. Bb.", "labels": [1, 0, 0]}, "each of the 2 sentences, received 3"),
        ({"text": "Aa. Bb.", "labels": [1, 2]}, "labels must be 0 or 1"),
        ({"text": "Aa. Bb.", "labels": [1, "0"]}, "labels must be 0 or 1"),
        ({"text": "Aa. Bb.", "extracted": [2]}, "extracted must be distinct numbers.* 0 to 1"),
        ({"text": "Aa. Bb.", "extracted": [1, 1]}, "extracted must be distinct numbers"),
        ({"text": "Aa. Bb.", "extracted": 1}, "extracted must be distinct numbers"),
        ({"id": 7, "text": "A.", "summary": "S."}, r"the id 7 is that of .*line 1 too"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(row, message, tmp_path):
    with pytest.raises(ValueError, match=rf"papers\.jsonl, line 2:.*{message}"):
        read(tmp_path, {"id": 7, "text": "Fine.", "summary": "S."}, row)


def test_documents_without_sentences_are_dropped_when_asked(tmp_path, caplog):
    rows = [{"text": " ", "summary": "S."}, {"text": "A.", "summary": "S."}]
    [found] = read(tmp_path, *rows, empty_texts="drop")
    assert found.text == "A."
    assert "dropped 1 documents without a sentence" in caplog.text
    with pytest.raises(ValueError, match="holds no documents"):
        read(tmp_path, rows[0], empty_texts="drop")
    with pytest.raises(ValueError, match="empty_texts must be one of"):
        SummaryTable(empty_texts="skip")


def test_long_texts_without_ends_and_with_little_else():
    for text in ("word " * 200_000, "\n  x" * 250_000, "x. " * 100_000):
        spans = sentence_spans(text)
        assert spans[0][0] == len(text) - len(text.lstrip())
        assert spans[-1][1] == len(text.rstrip())
