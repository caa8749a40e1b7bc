"""Parts of files to documents of sentences."""

from __future__ import annotations

import json

import pytest

from keras_bert_zoo.corpus.documents import read_text
from keras_bert_zoo.corpus.reading import Part
from keras_bert_zoo.corpus.sentences import SENTENCE
from keras_bert_zoo.corpus.sources import CorpusError

TEXT = "One. Two\nthree. Four\n\nFive. Six\r\n \t\n\r\nSeven\n\n\n"


def sentences(kind, data, **options):
    data = data if isinstance(data, bytes) else data.encode()
    text = read_text(Part("file", 100, kind, data, len(data)), **options)
    split = [document.split(SENTENCE) for document in text.documents()]
    return [[" ".join(s.split()) for s in document if s.strip()] for document in split]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sentences", [["One. Two", "three. Four"], ["Five. Six"], ["Seven"]]),
        ("documents", [["One.", "Two"], ["three.", "Four"], ["Five.", "Six"], ["Seven"]]),
        ("paragraphs", [["One.", "Two three.", "Four"], ["Five.", "Six"], ["Seven"]]),
        ("text", [["One.", "Two three.", "Four", "Five.", "Six"], ["Seven"]]),
    ],
)
def test_documents_and_sentences(kind, expected):
    assert sentences(kind, TEXT) == expected


def test_json_lines():
    rows = [{"text": "One. Two\nthree"}, {"text": None}, {"text": "好。是"}, {"text": ""}]
    data = "\ufeff" + "\n\n".join(json.dumps(row) for row in rows)
    assert sentences("jsonl", data) == [["One.", "Two", "three"], ["好。", "是"]]
    other = sentences("jsonl", '{"body": "One"}\n', text_column="body")
    assert other == [["One"]]


@pytest.mark.parametrize("line", ["{", "[]", '"text"', '{"body": "x"}', '{"text": 5}'])
def test_a_line_that_is_no_object_with_a_text_is_named(line):
    with pytest.raises(CorpusError, match=r"file: the line at byte 117 .*'text' \(text_column\)"):
        sentences("jsonl", '{"text": "fine"}\n' + line)


def test_invalid_utf8_is_replaced_and_counted_or_is_an_error():
    data = "good �\n".encode() + b"bad \xff\xfe\nworse \xe4\xbd"
    text = read_text(Part("file", 100, "documents", data, 0))
    assert text.invalid == 3
    assert text.documents() == ["good �", "bad ��", "worse �"]
    with pytest.raises(CorpusError, match=r"file is no valid UTF-8 at byte 113.*line b'bad "):
        read_text(Part("file", 100, "documents", data, 0), invalid_utf8="error")
