"""Spaces of texts that were joined of word pieces."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import pytest

from keras_bert_zoo import WordPieceTokenizer
from keras_bert_zoo.evaluation.spacing import respaced


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Choose Tools - Options.", "选择「Tools - Options」。"),
        ("=DATE(1954;7;20) returns 0.05", "「=DATE(1954;7;20)」返回 0.05。"),
        ("api.libreoffice.org or C:/My_a.b-c", "参阅 api.libreoffice.org 或 C:/My_a.b-c"),
        ('Enter "x" (optional): it\'s', '输入 "x" (可选): it\'s'),
        ("Load/Save in LibreOffice Calc", "在 LibreOffice Calc 中载入/保存"),
        ("Nothing of it", "2000 年 1 月，（一）《二》与 “三”: 四; A/B [C] {D}"),
        ("", "한국어 단어"),
    ],
)  # fmt: skip
def test_written_text_comes_back_from_word_pieces(source, text):
    letters = sorted({x for each in text for x in (each, f"##{each}") if not each.isspace()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = WordPieceTokenizer([*special, *letters], do_lower_case=False)
    joined = tokenizer.decode(tokenizer([text])["input_ids"][0], skip_special_tokens=True)
    assert joined != text or not source
    assert respaced(joined, source) == text


def test_the_first_of_two_ways_in_the_source_counts():
    assert respaced("甲 a - b", "a-b, a - b") == "甲 a-b"
    assert respaced("甲 a - b", "a - b, a-b") == "甲 a - b"


@hypothesis.given(st.text(max_size=30), st.text(max_size=30))
@hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
def test_only_spaces_change(text, source):
    found = respaced(text, source)
    assert "".join(found.split()) == "".join(text.split())
    assert respaced(found, source) == found
