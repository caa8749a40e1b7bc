"""Pairs of the pages of two languages."""

from __future__ import annotations

import libreoffice_pairs as pairs
import pytest
from splits import SHARES, split_of

from keras_bert_zoo.data.text_files import TextTable

PAGE = """<!DOCTYPE html><html><head><title>A & B</title></head><body><div id="DisplayArea">
<p id="par_id1" class="paragraph"><a name="x"></a>{0}
 <span class="emph">{1}</span>. </p><p class="embedded">none</p>{2}</div></body></html>"""
SWITCH = (
    '<h2 id="hd_id2">{0}<span class="switchinline"><span hidden="true" class="MAC">Mac</span> '
    '<span hidden="true" id="default1">{1}</span></span>{2}</h2>'
)


def page(first, second, *more):
    return PAGE.format(first, second, "".join(more))


def test_paragraphs_by_id():
    found = pairs.paragraphs(page("Open &amp; save<br>the", "file", SWITCH.format("a ", "b", " c")))
    assert found == {"par_id1": ["Open & save the file."], "hd_id2": ["a b c"]}


def test_what_stands_equally_often_on_both_sides_is_a_pair():
    twice = '<p id="par_id3">{0}</p><p id="par_id3">{1}</p>'
    source = page("Open", "it", twice.format("one", "two"), '<p id="par_id4">left</p>')
    target = page("打开", "它", twice.format("一", "二"))
    assert list(pairs.aligned(source, target)) == [
        ("Open it.", "打开 它."),
        ("one", "一"),
        ("two", "二"),
    ]
    assert list(pairs.aligned(page("a", "b", twice.format("one", "two")), page("甲", "乙"))) == [
        ("a b.", "甲 乙.")
    ]


@pytest.fixture
def names():
    """A page of each split."""
    found = {}
    for number in range(1000):
        found.setdefault(split_of(f"text/{number}.html"), f"text/{number}.html")
    return found


def test_pages_of_the_splits_have_their_shares():
    found = [split_of(f"text/{number}.html") for number in range(4000)]
    for split, share in SHARES.items():
        assert found.count(split) / 4000 == pytest.approx(share / 100, abs=0.02)


def test_a_source_is_in_one_split_with_its_most_frequent_translation(names):
    pages = [
        (names["test"], [("all", "全部"), ("new", "新"), ("code", "code"), ("x", "y"), ("", "空")]),
        (names["validation"], [("all", "所有"), ("both", "两者"), ("new", "新建")]),
        (names["train"], [("all", "所有"), ("one", "一")]),
    ]
    splits, counts = pairs.splits_of(pages)
    assert splits == {
        "train": [("all", "所有"), ("one", "一")],
        "validation": [("new", "新"), ("both", "两者")],
        "test": [],
    }
    assert counts == {
        "pages": 3, "aligned": 10, "identical": 1, "without Chinese": 2, "repeated": 3,
    }  # fmt: skip


def test_files_are_read_as_they_were_written(tmp_path):
    rows = [('Say "x", then\\n', "说“x”"), ("#1 'a", '"一"')]
    pairs.write({"train": rows, "test": rows[:1]}, tmp_path)
    read = TextTable(text="source", text_pair="target", label=None).read(tmp_path / "train.tsv")
    assert list(zip(read.texts, read.text_pairs, strict=True)) == rows
    assert (tmp_path / "train.txt").read_text("utf-8").splitlines() == [*rows[0], *rows[1]]
    assert set(tmp_path.iterdir()) == {tmp_path / f for f in ("train.tsv", "test.tsv", "train.txt")}


def test_folders_of_both_languages_are_walked_in_order(tmp_path):
    for language, texts in {"en-US": ("a", "b"), "zh-CN": ("甲", "乙")}.items():
        for name, text in zip(("z/1", "a/2"), texts, strict=True):
            path = tmp_path / language / "text" / f"{name}.html"
            path.parent.mkdir(parents=True)
            path.write_text(page(text, "x"), encoding="utf-8")
    (tmp_path / "en-US" / "text" / "only.html").write_text(page("c", "x"), encoding="utf-8")
    assert list(pairs.pages(tmp_path)) == [
        ("text/a/2.html", [("b x.", "乙 x.")]),
        ("text/z/1.html", [("a x.", "甲 x.")]),
    ]
