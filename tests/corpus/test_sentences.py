"""Running text to sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.corpus.sentences import SENTENCE, split_sentences

WORDS = ("Mr.", "He", "she", "U.S.", "3.5", "A", "é", "b.", "e.g.", "好", "人")
ENDS = (".", "!", "?", "…", "...", "。", "！", "；", "۔", "”", '"', ")", "“")
PIECES = st.sampled_from((*WORDS, *ENDS, " ", "  ", "\n", "\u3000", SENTENCE, "\x02"))


@settings(deadline=None, max_examples=50)
@given(st.lists(PIECES).map("".join) | st.text())
def test_nothing_but_white_space_is_lost(text):
    sentences = split_sentences(text)
    assert "".join("".join(sentences).split()) == "".join(text.replace(SENTENCE, " ").split())
    assert all(sentence == sentence.strip() != "" for sentence in sentences)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He came. She left! Why? 3 men.", ["He came.", "She left!", "Why?", "3 men."]),
        ("“Oh!” she said. “No.” Then he", ["“Oh!” she said.", "“No.”", "Then he"]),
        ("Mr. Weston met Dr. J. Hill.", ["Mr. Weston met Dr. J. Hill."]),
        ("It cost 3.5 dollars. (He paid.)", ["It cost 3.5 dollars.", "(He paid.)"]),
        ("Wait... what? Well... No.", ["Wait... what?", "Well...", "No."]),
        ("see e.g. the U.S. law", ["see e.g. the U.S. law"]),
        ("visit example.com now", ["visit example.com now"]),
        ("Он пришёл. Она ушла. а он", ["Он пришёл.", "Она ушла. а он"]),
        ("他说：“你好。”然后走了！真的？", ["他说：“你好。”", "然后走了！", "真的？"]),
        ("一；二……三。Good. 好", ["一；", "二……", "三。", "Good.", "好"]),
        ("他 说 。 ” 人民 ！ ） 好", ["他 说 。 ”", "人民 ！ ）", "好"]),
        ("वह आया। वह गया।", ["वह आया।", "वह गया।"]),
        ("هل جاء؟ نعم. لا", ["هل جاء؟", "نعم.", "لا"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_ends(text, expected):
    assert split_sentences(text) == expected


def test_long_runs_take_no_longer_for_each_character():
    assert split_sentences("a" * 200_000) == ["a" * 200_000]
    assert len(split_sentences("." * 200_000)) == 1
    assert len(split_sentences("?”" * 100_000)) == 1
