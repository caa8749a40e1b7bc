"""The tokenizer of a keras-hub preset: the same ids, or a refusal."""

from __future__ import annotations

import json
import logging
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo.tokenizers import WordPieceTokenizer
from keras_bert_zoo.tokenizers.options import TokenizerError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe", "café", "Film", "film", "##s", "!"]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 1500)]
TEXTS = ["Café films!", "cafe\tFilm 一s", "a [MASK] café", "<e>film<e>", "film" * 40]

Write = Callable[..., pathlib.Path]


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    """Writes a preset's tokenizer with keras-hub, and changes what its file says."""
    from keras_hub.tokenizers import BertTokenizer

    def make(vocabulary: list[str], changes: dict[str, Any], **options: Any) -> pathlib.Path:
        BertTokenizer(vocabulary, **options).save_to_preset(str(tmp_path))
        path = tmp_path / "tokenizer.json"
        content = json.loads(path.read_text())
        content["config"].update(changes)
        content["class_name"] = changes.get("class_name", content["class_name"])
        path.write_text(json.dumps(content))
        return tmp_path

    return make


def ids_of_theirs(tokenizer: Any) -> list[list[int]]:
    return [np.array(tokenizer(text)).tolist() for text in TEXTS]


def ids_of_ours(tokenizer: WordPieceTokenizer) -> list[list[int]]:
    return tokenizer(TEXTS, add_special_tokens=False)["input_ids"].to_list()


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [True, False])
def test_the_same_ids(lowercase: bool, strip_accents: bool, write: Write) -> None:
    from keras_hub.tokenizers import BertTokenizer

    options = {
        "lowercase": lowercase,
        "strip_accents": strip_accents,
        "special_tokens": ["<e>"],
        "special_tokens_in_strings": True,
    }
    directory = write([*WORDS, "<e>", *HAN], {}, **options)
    theirs = BertTokenizer([*WORDS, "<e>", *HAN], **options)
    ours = WordPieceTokenizer.from_directory(directory)
    assert ids_of_ours(ours) == ids_of_theirs(theirs)
    assert ours.options.added_tokens == {"<e>": True}


@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_arguments_for_the_same_ids(strip_accents: bool | None) -> None:
    from keras_hub.tokenizers import BertTokenizer

    ours = WordPieceTokenizer(WORDS, strip_accents=strip_accents, added_tokens={"<e>": True})
    theirs = BertTokenizer(**ours.preset_arguments("BertTokenizer"))
    assert ids_of_ours(ours) == ids_of_theirs(theirs)


def test_full_width_punctuation_is_folded_there_and_not_here(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    from keras_hub.tokenizers import BertTokenizer

    vocabulary = [*WORDS, "，", ",", *HAN]
    directory = write(vocabulary, {}, lowercase=True)
    with caplog.at_level(logging.WARNING):
        ours = WordPieceTokenizer.from_directory(directory)
    assert "The vocabulary is Chinese" in caplog.text
    theirs = BertTokenizer(vocabulary, lowercase=True)
    assert ours.tokenize("一，") == ["一", "，"]
    assert [theirs.id_to_token(index) for index in np.array(theirs("一，"))] == ["一", ","]
    caplog.clear()
    ours.preset_arguments("BertTokenizer")
    assert "The vocabulary is Chinese" in caplog.text


@pytest.mark.parametrize("vocabulary", [WORDS, [*WORDS, *HAN[:300]], [*WORDS, *HAN]])
def test_no_warning_of_what_is_not_folded(
    vocabulary: list[str], write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    WordPieceTokenizer.from_directory(write(vocabulary, {}, lowercase=len(vocabulary) < 1000))
    assert not caplog.records


def test_the_longest_sequence(write: Write) -> None:
    directory = write(WORDS, {})
    assert WordPieceTokenizer.from_directory(directory).model_max_length == 512
    for name, key, value in (
        ("config.json", "max_sequence_length", 128),
        ("preprocessor.json", "sequence_length", 512),
    ):
        (directory / name).write_text(json.dumps({"registered_name": "x", "config": {key: value}}))
        assert WordPieceTokenizer.from_directory(directory).model_max_length == 128


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"class_name": "AlbertTokenizer"},
            r"one of \['BertTokenizer', .*received 'Albert",
        ),
        ({"split": False}, r"must have {'split': True, .*received {'split': False"),
        ({"suffix_indicator": "@@"}, "suffix_indicator"),
        ({"lowercase": "yes"}, "do_lower_case"),
        ({"oov_token": "[?]"}, r"lacks the special tokens \['\[\?\]'\]"),
    ],
)
def test_what_ours_cannot_do(changes: dict[str, Any], message: str, write: Write) -> None:
    with pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer.from_directory(write(WORDS, changes))


def test_no_vocabulary(write: Write) -> None:
    directory = write(WORDS, {})
    (directory / "assets/tokenizer/vocabulary.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"vocabulary\.txt"):
        WordPieceTokenizer.from_directory(directory)


@pytest.mark.parametrize(
    ("added", "options", "message"),
    [
        (["<s>"], {"cls_token": "<s>"}, r"cls_token is '<s>', keras-hub's is '\[CLS\]'"),
        ([], {"tokenize_chinese_chars": False}, "tokenize_chinese_chars is false"),
        (["x\u3000"], {}, "end in whitespace, which its files lose"),
    ],
)
def test_what_theirs_cannot_do(added: list[str], options: dict[str, Any], message: str) -> None:
    ours = WordPieceTokenizer([*WORDS, *added], **options)
    with pytest.raises(TokenizerError, match=message):
        ours.preset_arguments("BertTokenizer")
