"""Text and JSON of others, and the names they state."""

from __future__ import annotations

import os
import pathlib

import pytest
from limits import limits

from keras_bert_zoo.foreign import LARGEST, is_inside, read_json, read_text


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("[1]", dict, "must hold a JSON object, received list"),
        ("{}", list, "must hold a JSON array, received dict"),
        ("{", dict, "is not valid JSON"),
        ("[" * 100_000, list, "is not valid JSON: maximum recursion"),
        ("[" * 66 + "]" * 66, list, "is not valid JSON: it is nested more than 64 levels"),
        ('{"a": ' + "9" * 5000 + "}", dict, "is not valid JSON: Exceeds the limit"),
        ('{"\\ud800": 1}', dict, "is not valid JSON: .*surrogates not allowed"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_json(text: str, kind: type, message: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with limits(64, 5), pytest.raises(KeyError, match=rf"a\.json {message}"):
        read_json(path, KeyError, kind)


def test_what_is_json(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1e400, "\\ud83d\\ude00", null]}')
    assert read_json(path, KeyError) == {"a": [float("inf"), "😀", None]}
    path.write_text("[" * 65 + "]" * 65)
    assert str(read_json(path, KeyError, list)) == path.read_text()


def test_a_file_larger_than_any(tmp_path: pathlib.Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(LARGEST + 1)  # a hole: nothing is on the disk
    with limits(16, 5), pytest.raises(KeyError, match="67,108,865 bytes; at most 67,108,864"):
        read_text(tmp_path / "a.json", KeyError)


def test_a_pipe_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match="is no file"):
        read_text(tmp_path / "a.json", KeyError)


def test_a_link_is_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "blob").write_text("a\r\nb")
    (tmp_path / "a.txt").symlink_to(tmp_path / "blob")
    assert read_text(tmp_path / "a.txt", KeyError) == "a\nb"


@pytest.mark.parametrize(
    "name", ["..", "../a", "a/../../b", "/a", "a\0", "a" * 256, "é" * 128, "\ud800" * 256, 1, None]
)
def test_names_outside(name: object) -> None:
    assert not is_inside(name)


@pytest.mark.parametrize("name", ["", "a", "a/b.json", "..a", "a..", "\ud800", "é" * 127])
def test_names_inside(name: object) -> None:
    assert is_inside(name)
