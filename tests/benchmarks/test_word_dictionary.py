"""IBM's model 1, beside nltk's, and what it translates."""

from __future__ import annotations

import pytest
from nltk.translate import AlignedSent, IBMModel1
from word_dictionary import WordDictionary, Words, translation_table

PAIRS = [
    ("open the file", "打开 文件"),
    ("save the file", "保存 文件"),
    ("open the table", "打开 表格"),
    ("save", "保存"),
    ("the table the table", "表格"),
]


def test_chances_are_nltks():
    cut = [(a.split(), b.split()) for a, b in PAIRS]
    # Its sentences are those that are written, beside what they are of.
    theirs = IBMModel1([AlignedSent(b, a) for a, b in cut], 7).translation_table
    ours = translation_table(cut, 7)
    assert {("", "文件"), ("file", "文件"), ("table", "表格")} <= ours.keys()
    for (source, target), chance in ours.items():
        assert chance == pytest.approx(theirs[target][source or None], abs=1e-9)


def test_pieces_of_chinese_and_whole_words():
    words = Words(["打开文件", "保存文件", "file 文件名"], 12)
    assert words("Save_As(文件, 12)保") == ["Save", "_", "As", "(", "文件", ",", "12", ")", "保"]


def test_a_text_is_translated_word_by_word():
    pairs = [(a, b.replace(" ", "")) for a, b in PAIRS] * 2
    dictionary = WordDictionary(pairs, pieces=12)
    assert dictionary.translate("Save file Foo(1)") == "保存文件 Foo(1)"
