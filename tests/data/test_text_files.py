from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.text_files import TextTable


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path):
    content = '\ufefftext,label\r\n"one, two\nthree",1\r\n"say ""hi""",0\r\n'
    rows = TextTable().read(write(tmp_path / "a.csv", content))
    assert rows.texts == ["one, two\nthree", 'say "hi"']
    assert rows.labels == ["1", "0"]
    assert rows.text_pairs is None


def test_tsv_takes_quotes_as_they_are(tmp_path):
    rows = TextTable().read(write(tmp_path / "a.tsv", 'text\tlabel\n" open\t1\n5" disk\t0\n'))
    assert rows.texts == ['" open', '5" disk']


def test_json_lines_with_pairs_and_unicode_line_separators(tmp_path):
    lines = [
        {"a": "x\u2028y", "b": "你好", "y": [1, 2], "more": None},
        {"a": "z", "b": "w", "y": []},
    ]
    content = "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n"
    table = TextTable(text="a", text_pair="b", label="y")
    rows = table.read(write(tmp_path / "a.jsonl", content))
    assert rows.texts == ["x\u2028y", "z"]
    assert rows.text_pairs == ["你好", "w"]
    assert rows.labels == [[1, 2], []]


@pytest.mark.parametrize(
    ("name", "header", "message"),
    [
        ("a.csv", "text;label", r"one column, 'text;label'.*Pass .* --delimiter ';'\."),
        ("a.csv", "text\tlabel", r"one column.*--delimiter \$'\\t'\."),
        ("a.tsv", "text,label", r"one column.*--delimiter ','\."),
        ("a.conll", "a O", r"\.conll files are for --task token_classification"),
        ("a.json", "{}", r"\.json files are for --task question_answering"),
        ("a.docx", "", r"pass a delimiter\.$"),
    ],
)
def test_other_formats_are_told(tmp_path, name, header, message):
    (tmp_path / name).write_text(f"{header}\ngood, so good;1\n")
    with pytest.raises(ValueError, match=message):
        TextTable().read(tmp_path / name)
    with pytest.raises(IsADirectoryError, match="is a directory"):
        TextTable().read(tmp_path)


def test_explicit_delimiter_and_encoding(tmp_path):
    path = write(tmp_path / "a.txt", "text;label\nschön;1\n".encode("latin-1"))
    rows = TextTable(delimiter=";", encoding="latin-1").read(path)
    assert rows.texts == ["schön"]


def test_a_text_of_one_megabyte_in_a_csv(tmp_path):
    text = "long " * 200_000
    rows = TextTable().read(write(tmp_path / "a.csv", f"text,label\n{text},1\n"))
    assert rows.texts == [text]


def test_rows_become_examples(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nx,bad\ny,good\n")
    examples = TextTable().read(path).examples("single_label_classification", ["good", "bad"])
    np.testing.assert_array_equal(examples.labels, [1, 0])
    assert len(examples.take(1)) == 1


def test_rows_beyond_a_limit_are_not_looked_at(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\nx,bad\n ,good\ny,1,2\n")
    assert TextTable().read(path, limit=1).texts == ["x"]
    assert TextTable(empty_texts="drop").read(path, limit=2).texts == ["x"]
    with pytest.raises(ValueError, match="limit must be at least 1, or None"):
        TextTable().read(path, limit=0)


@pytest.mark.parametrize(
    ("name", "content", "complaints"),
    [
        ("a.csv", "sentence,label\nx,1\n", ["line 2", "'text'", "'sentence', 'label'"]),
        ("a.csv", "text,label\nx,1\ny,1,2\n", ["line 3", "3 columns", "header has 2"]),
        ("a.tsv", "text\tlabel\nx\n", ["line 2", "1 columns"]),
        ("a.csv", b"text,label\nok,1\n\xff\xfe,0\n", ["line 3", r"\xff", "encoding"]),
        ("a.csv", "", ["holds no rows"]),
        ("a.csv", "text,label\n", ["holds no rows"]),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": null, "label": 1}\n', ["line 2", "None"]),
        ("a.jsonl", '{"text": 7, "label": 1}\n', ["line 1", "7", "string"]),
        ("a.jsonl", '{"text": "x", "label": null}\n', ["line 1", "null"]),
        ("a.jsonl", '{"text": "x"\n', ["line 1", "not valid JSON"]),
        ("a.jsonl", '["x"]\n', ["line 1", "JSON object"]),
        ("a.parquet", "x", ["cannot tell the format", ".csv"]),
        ("a.csv", "text,label\n ,1\nx,1\n,0\n", ["2 of 3 rows", "line 2", "'drop'"]),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path, name, content, complaints):
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError) as caught:
        TextTable().read(path)
    for complaint in [name, *complaints]:
        assert complaint in str(caught.value)


def test_missing_files_packages_and_splits(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no data file .*none\.csv.*Pass one that exists"):
        TextTable().read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="known are"):
        TextTable().read("twets://train")


def test_a_quote_that_is_not_closed_swallows_nothing(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('label,text\npos,good\nneg,"bad film\npos,nice\n')
    with pytest.raises(ValueError, match=r"rows\.csv, from line 3: unexpected end of data"):
        TextTable().read(path)
    path.write_text('label,text\npos,"Great" he said\n')
    with pytest.raises(ValueError, match=r"from line 2: .*each quote doubled"):
        TextTable().read(path)


def test_options_that_name_nothing():
    with pytest.raises(ValueError, match=r"encoding must be of text, .*utf9"):
        TextTable(encoding="utf9")
    with pytest.raises(ValueError, match="delimiter must be one character, received ';;'"):
        TextTable(delimiter=";;")


def test_two_columns_of_one_name(tmp_path):
    path = write(tmp_path / "a.csv", "text,text,label\na,b,1\n")
    with pytest.raises(ValueError, match=r"same name.*Rename one"):
        TextTable().read(path)


def test_empty_texts_are_dropped_and_counted_or_kept(tmp_path, caplog):
    path = write(tmp_path / "a.csv", "text,label\n ,1\nx,1\n,0\n")
    with caplog.at_level(logging.WARNING):
        assert TextTable(empty_texts="drop").read(path).texts == ["x"]
    assert "dropped 2 rows" in caplog.text
    assert TextTable(empty_texts="keep").read(path).texts == [" ", "x", ""]
    with pytest.raises(ValueError, match="empty_texts"):
        TextTable(empty_texts="ignore")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((["a", None],), r"texts\[1\].*None"),
        (([b"a"],), r"texts\[0\].*bytes"),
        (("one string",), "received one string"),
        ((["a"], ["b", "c"]), "text_pairs has 2"),
        ((["a"], None, np.zeros(3)), "labels has 3"),
        ((["a", "b"], None, ["good", "bad"]), "must be finite numbers, .*encode_labels"),
        ((["a", "b"], None, [1.0, float("nan")]), "must be finite numbers"),
        ((["a", "b"], None, [[1, 0], [1]]), "rows of one shape"),
    ],
)
def test_examples_refuse_what_is_no_text_or_label(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        Examples(*arguments)
