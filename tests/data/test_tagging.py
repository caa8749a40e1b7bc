"""Tagged texts: CoNLL files, JSON lines with words and with entities."""

from __future__ import annotations

import json
import logging

import pytest

from keras_bert_zoo.data.records import records
from keras_bert_zoo.data.tagging import TagTable, repaired, words_of

CONLL = """-DOCSTART- -X- O
# sent_id = 1
EU NNP B-ORG
rejects VBZ O

Peter NNP B-PER
Blackburn NNP I-PER
"""


def write(path, content):
    path.write_text(content, encoding="utf-8")
    return path


def test_conll_with_spaces_tabs_and_any_columns(tmp_path):
    spaces = TagTable().read(write(tmp_path / "a.conll", CONLL))
    assert [text.text for text in spaces] == ["EU rejects", "Peter Blackburn"]
    assert [text.tags for text in spaces] == [("B-ORG", "O"), ("B-PER", "I-PER")]
    assert [text.place.partition("line ")[2] for text in spaces] == ["3", "6"]
    speech = TagTable(tag_column=1).read(tmp_path / "a.conll")
    assert speech[0].tags == ("NNP", "VBZ")
    tabs = write(tmp_path / "b.bio", "New York\tB-LOC\r\n!\tO\r\n")
    [text] = TagTable().read(tabs)
    assert (text.text, text.words) == ("New York !", ((0, 8), (9, 10)))


def asked(path):
    return [values["tokens"] for _, values in records(path, readers=TagTable().question_readers)]


def test_words_are_asked_for_with_and_without_tags(tmp_path):
    words = [["EU", "rejects"], ["Peter", "Blackburn"]]
    assert asked(write(tmp_path / "tagged.conll", CONLL)) == words
    alone = "EU\nrejects\n\nPeter\nBlackburn\n"
    assert asked(write(tmp_path / "alone.txt", alone)) == words
    plain = write(tmp_path / "plain.txt", "Ann lives here.\nBob does not live here.\n")
    with pytest.raises(
        ValueError, match=r"plain\.txt, line 2: 5 columns, .* have 3.*predict BUNDLE <"
    ):
        asked(plain)


def test_comments_of_a_file_with_tabs_have_none(tmp_path):
    lines = ["# newpar", "# text = # 1 !", "#\tB-NUM", "1\tI-NUM", "!\tO", ""]
    [text] = TagTable().read(write(tmp_path / "a.conll", "\n".join(lines)))
    assert (text.text, text.tags) == ("# 1 !", ("B-NUM", "I-NUM", "O"))


def test_json_lines_with_words_and_with_entities(tmp_path):
    rows = [
        {"tokens": ["New", "York"], "tags": ["B-LOC", "I-LOC"]},
        {"text": "I like New York.", "entities": [{"start": 7, "end": 15, "label": "LOC"}]},
        {"text": "我在北京。", "entities": [{"start": 2, "end": 4, "label": "LOC"}]},
        {"text": "pro-Yorkers", "entities": [{"start": 4, "end": 8, "label": "LOC"}]},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    read = TagTable().read(path)
    spelled = [[text.text[a:b] for a, b in text.words] for text in read]
    assert spelled[1] == ["I", "like", "New", "York", "."]
    assert read[1].tags == ("O", "O", "B-LOC", "I-LOC", "O")
    assert (spelled[2], read[2].tags) == (list("我在北京。"), ("O", "O", "B-LOC", "I-LOC", "O"))
    assert (spelled[3], read[3].tags) == (["pro", "-", "York", "ers"], ("O", "O", "B-LOC", "O"))
    [chinese] = TagTable(joiner="").read(
        write(tmp_path / "zh.jsonl", json.dumps({"tokens": ["北", "京"], "tags": ["B", "E"]}))
    )
    assert chinese.text == "北京"


@pytest.mark.parametrize(
    ("tags", "mended"),
    [
        ("O I-A I-A", "O B-A I-A"),
        ("B-A I-B", "B-A B-B"),
        ("B-A I-A O", "B-A I-A O"),
        ("E-A S-A", "S-A S-A"),
        ("B-A M-A E-A", "B-A M-A E-A"),
        ("B I I", "B I I"),
        ("O I I", "O I I"),  # no B: a tag of its own
        ("NN VB", "NN VB"),
        ("B M O B E M", "B E O B E S"),
        ("M E E B", "B E S S"),
        ("B-A O I-B E-B", "S-A O B-B E-B"),
        ("U-A B-A I-A B-A", "U-A B-A L-A U-A"),
    ],
)
def test_what_goes_on_must_have_begun_and_ends_where_tags_have_ends(tags, mended):
    assert repaired(tags.split(), set(tags.split())) == tuple(mended.split())


def test_a_file_tells_what_tags_there_are():
    assert repaired(["B-A", "O"], {"B-A", "O"}) == ("B-A", "O")
    assert repaired(["B-A", "O"], {"B-A", "E-A", "O"}) == ("S-A", "O")


def test_inconsistent_tags_are_mended_kept_or_refused(tmp_path, caplog):
    path = write(tmp_path / "a.conll", "a O\nb I-X\n\nc B-X\n")
    with caplog.at_level(logging.WARNING):
        assert TagTable().read(path)[0].tags == ("O", "B-X")
    assert "1 tags go on" in caplog.text and "line 1" in caplog.text
    assert TagTable(inconsistent="keep").read(path)[0].tags == ("O", "I-X")
    with pytest.raises(ValueError, match=r"a\.conll, line 1.*Mend the file"):
        TagTable(inconsistent="error").read(path)
    with pytest.raises(ValueError, match="received 'drop'"):
        TagTable(inconsistent="drop")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.conll", "word\n", r"line 1: expected a word and a tag"),
        ("a.conll", "a B-X\n\tO\n", r"line 2: expected a word and a tag"),
        ("a.conll", "\n\n", "holds no texts"),
        ("a.jsonl", '{"tokens": ["a"], "tags": []}', "line 1: 0 tags for 1 words"),
        ("a.jsonl", '{"tokens": ["a", " "]}', "none of them empty"),
        ("a.jsonl", '{"tokens": ["a"]}', "line 1: no tags. A record has 'tokens' and 'tags'"),
        ("a.jsonl", '{"tokens": "ab"}', "expected a list of words"),
        ("a.jsonl", '{"tokens": ["a"], "tags": "O"}', "tags must be a list of strings"),
        ("a.jsonl", '{"words": ["a"]}', r"no column 'tokens'.*\['words'\]"),
        (
            "a.jsonl",
            '{"tokens": ["a"], "tags": [""]}',
            "line 1: tags must be .* none of them empty",
        ),
        ("a.jsonl", '{"text": "ab", "entities": 5}', "line 1: entities must be a list, received 5"),
        ("a.jsonl", '{"text": "ab", "entities": [{"start": 1, "end": 5}]}', "has start, end"),
        (
            "a.jsonl",
            '{"text": "ab", "entities": [{"start": 0, "end": 2, "label": ""}]}',
            "label, which is not empty",
        ),
        (
            "a.jsonl",
            '{"id": 1, "tokens": ["a"], "tags": ["O"]}\n{"id": 1, "tokens": ["a"], "tags": ["O"]}',
            "line 2: the id 1 is that of .*line 1 too",
        ),
        (
            "a.jsonl",
            '{"text": "ab c", "entities": [{"start": 0, "end": 2, "label": "X"},'
            ' {"start": 1, "end": 4, "label": "Y"}]}',
            "'Y' at 1 begins inside another",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    with pytest.raises(ValueError, match=message):
        TagTable().read(write(tmp_path / name, content))


def test_words_are_cut_where_the_tokenizer_cuts():
    text = "It's 5€, 北京 ok_1"
    assert [text[a:b] for a, b in words_of(text)] == [
        *("It", "'", "s", "5", "€", ",", "北", "京", "ok_1"),
    ]
