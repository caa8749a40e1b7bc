"""Tables of pairs and sets, good and bad."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.data.text_sets import SetTable, TextSets

PAIRS = "text\ttext_pair\tlabel\na\tb\t1\nc\td\t5\na\te\t3\n"


@pytest.fixture
def table(tmp_path):
    def write(content, name="pairs.tsv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_pairs(table):
    sets = SetTable().read(table(PAIRS))
    assert sets.texts == (["a", "c", "a"], ["b", "d", "e"])
    assert sets.labels.dtype == np.float32 and sets.labels.tolist() == [1, 5, 3]
    assert sets.examples().texts == ["a", "b", "c", "d", "a", "e"]
    assert sets.answers().tolist() == [[0], [1], [2]]
    part = sets[1:]
    assert len(part) == 2 and part.members == 2 and part.labels.tolist() == [5, 3]
    assert part.places == [f"{table(PAIRS)}, line 3", f"{table(PAIRS)}, line 4"]
    scaled = SetTable(label_range=[1, 5]).read(table(PAIRS))
    assert scaled.labels.tolist() == [0, 1, 0.5]


def test_labels_that_are_passed_over_are_noted(table, caplog):
    assert SetTable(label=None).read(table(PAIRS)).labels is None
    assert "the column 'label' is not read" in caplog.text and "'cosent'" in caplog.text
    caplog.clear()
    SetTable().read(table(PAIRS))
    SetTable(label=None).read(table(PAIRS.replace("label", "number")))
    assert not caplog.text


def test_triplets_have_no_labels(table):
    path = table(
        '{"q": "a", "yes": "b", "no": "c"}\n{"q": "d", "yes": "e", "no": "b"}\n', "t.jsonl"
    )
    sets = SetTable(texts=("q", "yes", "no"), label=None).read(path)
    assert sets.texts == (["a", "d"], ["b", "e"], ["c", "b"]) and sets.labels is None
    assert sets[:1].labels is None and len(TextSets([], (["x"],))[:0]) == 0
    assert sets.answers().tolist() == [[0, 1], [2, 0]]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text\tlabel\na\t1\n", {}, r"line 2: no column \['text_pair'\].*pair_column"),
        (PAIRS + "f\tg\tx\n", {}, r"line 5: 'label' must be a number, received 'x'"),
        (PAIRS + "f\tg\tnan\n", {}, r"line 5: 'label' must be a number, received 'nan'"),
        (PAIRS, {"label_range": [1, 4]}, r"line 3: 'label' is '5', not from 1 to 4"),
        (PAIRS + "f\t \t2\n", {}, r"1 of 4 rows have an empty text, the first at .*line 5"),
        ("text\ttext_pair\tlabel\n", {}, "holds no rows"),
    ],
)
def test_bad_rows(table, content, options, message):
    with pytest.raises(ValueError, match=message):
        SetTable(**options).read(table(content))


def test_rows_without_text_are_dropped_or_kept(table, caplog):
    path = table(PAIRS + "f\t \t2\n")
    assert len(SetTable(empty_texts="drop").read(path)) == 3
    assert "dropped 1 rows" in caplog.text
    assert len(SetTable(empty_texts="keep").read(path)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texts": ("a", "a")}, "two different columns"),
        ({"label_range": [5, 1]}, "label_range must be the lowest and the highest"),
        ({"empty_texts": "no"}, "empty_texts must be one of"),
    ],
)
def test_bad_tables(options, message):
    with pytest.raises(ValueError, match=message):
        SetTable(**options)
