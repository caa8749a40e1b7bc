"""Reading and writing tokenizer files."""

from __future__ import annotations

import json
import shutil

import pytest
from limits import limits
from tokenizers import Tokenizer

from keras_bert_zoo.tokenizers import TokenizerError, WordPieceTokenizer

TEXTS = ["Hello wörld, 你好！ [MASK] [E1] TagX tagx xtagxy", "don't stop", ""]
OPTIONS = {
    "uncased": {},
    "cased": {"do_lower_case": False},
    "accents": {"strip_accents": False},
    "no chinese": {"tokenize_chinese_chars": False, "max_input_chars_per_word": 7},
    "added": {"added_tokens": {"[E1]": True, "tagx": False}, "model_max_length": 128},
    "renamed": {"mask_token": "[unused5]", "sep_token": "[unused6]"},
}


@pytest.fixture(params=OPTIONS)
def saved(request, vocabulary, tmp_path):
    tokenizer = WordPieceTokenizer(vocabulary, **OPTIONS[request.param])
    tokenizer.save(tmp_path)
    return tokenizer, tmp_path


def test_what_is_saved_is_read_back(saved):
    tokenizer, directory = saved
    read = WordPieceTokenizer.from_directory(directory)
    assert read.vocabulary == tokenizer.vocabulary
    assert read.options == tokenizer.options
    assert read(TEXTS)["input_ids"].to_list() == tokenizer(TEXTS)["input_ids"].to_list()


def test_the_reference_reads_what_is_saved(saved):
    tokenizer, directory = saved
    theirs = Tokenizer.from_file(str(directory / "tokenizer.json"))
    got = tokenizer(TEXTS, TEXTS[::-1], return_offsets_mapping=True)
    encodings = theirs.encode_batch(list(zip(TEXTS, TEXTS[::-1], strict=True)))
    assert got["input_ids"].to_list() == [encoding.ids for encoding in encodings]
    assert got["token_type_ids"].to_list() == [encoding.type_ids for encoding in encodings]
    offsets = [[list(span) for span in encoding.offsets] for encoding in encodings]
    assert got["offset_mapping"].to_list() == offsets


@pytest.mark.parity
def test_transformers_reads_what_is_saved(saved):
    import transformers

    tokenizer, directory = saved
    theirs = transformers.AutoTokenizer.from_pretrained(directory)
    if tokenizer.options.max_input_chars_per_word == 100:  # theirs does not read another limit
        assert theirs(TEXTS)["input_ids"] == tokenizer(TEXTS)["input_ids"].to_list()
    assert len(theirs) == tokenizer.vocab_size
    assert theirs.model_max_length == tokenizer.model_max_length
    roles = ("unk", "sep", "pad", "cls", "mask")
    ids = [getattr(theirs, f"{role}_token_id") for role in roles]
    assert ids == [getattr(tokenizer, f"{role}_token_id") for role in roles]


@pytest.mark.parametrize("alone", ["tokenizer.json", "vocab.txt"])
def test_one_file_is_enough(checkpoint, tmp_path, alone):
    shutil.copy(checkpoint / alone, tmp_path)
    whole, part = (WordPieceTokenizer.from_directory(d) for d in (checkpoint, tmp_path))
    assert part.vocabulary == whole.vocabulary
    assert part.options == whole.options


def test_the_options_file_counts_over_tokenizer_json(checkpoint, tmp_path):
    shutil.copy(checkpoint / "tokenizer.json", tmp_path)
    config = {"do_lower_case": False, "model_max_length": 1e30, "cls_token": {"content": "[CLS]"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = WordPieceTokenizer.from_directory(tmp_path)
    assert not tokenizer.options.do_lower_case
    assert tokenizer.model_max_length == 2**31 - 1
    assert tokenizer.options.cls_token == "[CLS]"


def test_two_vocabularies_that_disagree_are_warned_about(checkpoint, tmp_path, caplog):
    WordPieceTokenizer.from_directory(checkpoint).save(tmp_path)
    WordPieceTokenizer.from_directory(tmp_path)
    assert not caplog.records
    words = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (tmp_path / "vocab.txt").write_text("\n".join([*words[:5], "an edit", *words[6:]]))
    read = WordPieceTokenizer.from_directory(tmp_path)
    assert "an edit" not in read.vocabulary
    assert "vocab.txt is not the vocabulary of tokenizer.json" in caplog.text


def test_a_directory_without_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"neither tokenizer\.json nor vocab\.txt"):
        WordPieceTokenizer.from_directory(tmp_path)


CHANGES = {
    "a BPE model": ({"model": {"type": "BPE"}}, "model is BPE, expected WordPiece"),
    "no model": ({"model": None}, "model is missing"),
    "another normalizer": ({"normalizer": {"type": "NFC"}}, "normalizer is NFC"),
    "no pre-tokenizer": ({"pre_tokenizer": None}, "pre_tokenizer is missing"),
    "a gap in the ids": ({"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 2}}}, "gaps"),
    "no vocabulary": ({"model": {"type": "WordPiece"}}, "vocab must map"),
    "vocabulary of lists": ({"model": {"type": "WordPiece", "vocab": {"a": []}}}, "gaps"),
    "specials elsewhere": (
        {"post_processor": {"type": "ByteLevel", "trim_offsets": True}},
        r"the post_processor is \['ByteLevel'\]",
    ),
    "a token of whole words": (
        {"added_tokens": [{"id": 103, "content": "[MASK]", "single_word": True}]},
        r"'\[MASK\]' has the flags \['single_word'\]",
    ),
    "a token far away": ({"added_tokens": [{"id": 40_000, "content": "[X]"}]}, "must have the ids"),
    "a token without id": ({"added_tokens": [{"content": "[X]"}]}, "malformed"),
    "a list": ({"added_tokens": 3}, "malformed"),
    "ids of 10**12": (
        {"model": {"type": "WordPiece", "vocab": {"a": 0, "b": 10**12}}},
        "without gaps",
    ),
    "an added id of 10**12": (
        {"added_tokens": [{"id": 10**12, "content": "[X]"}]},
        "must have the",
    ),
    "an added token that is a list": (
        {"added_tokens": [{"id": 1, "content": ["[X]"]}]},
        "a string",
    ),
    "words of any length": (
        {"model": {"type": "WordPiece", "vocab": {"a": 0}, "max_input_chars_per_word": 10**12}},
        r"lengths positive integers below 2\*\*31",
    ),
    "half a character": ({"version": "\ud800"}, "surrogates not allowed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_tokenizer_is_named(checkpoint, tmp_path, name):
    changes, message = CHANGES[name]
    content = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps({**content, **changes}))
    with pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer.from_directory(tmp_path)


OPTION_CHANGES = {
    "a length of NaN": ({"model_max_length": float("nan")}, "malformed: ValueError"),
    "a length of -inf": ({"model_max_length": float("-inf")}, "malformed: OverflowError"),
    "a length that is a list": ({"model_max_length": [1]}, "malformed: TypeError"),
    "a role of any length": ({"cls_token": "x" * 100_000}, "of at most 256 bytes each"),
    "a token of any length": (
        {"additional_special_tokens": ["x" * 1_000_000]},
        "of at most 256 bytes each",
    ),
    "a hundred thousand tokens": (
        {"additional_special_tokens": [f"[{index}]" for index in range(100_000)]},
        "At most 1024 special and added tokens",
    ),
    "an index that is none": (
        {"added_tokens_decoder": {"x": {"content": "[X]"}}},
        "malformed: ValueError",
    ),
}


@pytest.mark.parametrize("case", OPTION_CHANGES)
def test_options_of_any_size(checkpoint, tmp_path, case):
    options, message = OPTION_CHANGES[case]
    shutil.copy(checkpoint / "tokenizer.json", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    with limits(512, 20), pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer.from_directory(tmp_path)


@pytest.mark.parametrize("word", ["x" * 257, "a\0b"])
def test_a_word_that_no_model_holds(tmp_path, word):
    roles = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
    (tmp_path / "vocab.txt").write_text("\n".join([*roles, word]))
    with pytest.raises(TokenizerError, match="No word-piece model has this vocabulary"):
        WordPieceTokenizer.from_directory(tmp_path)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b"", b"[" * 100_000])
@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_corrupt_json(checkpoint, tmp_path, name, content):
    shutil.copy(checkpoint / "vocab.txt", tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TokenizerError, match=name.replace(".", r"\.")):
        WordPieceTokenizer.from_directory(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"", r"lacks the special tokens \['\[UNK\]'"),
        (b"a\nb\nc\n", "lacks the special tokens"),
        (b"[UNK]\n[SEP]\n[PAD]\n[CLS]\n[MASK]\na\nb\na\n", r"more than once, such as \['a'\]"),
    ],
)
def test_a_vocabulary_that_is_none(tmp_path, content, message):
    (tmp_path / "vocab.txt").write_bytes(content)
    with pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer.from_directory(tmp_path)


def test_windows_line_ends_and_odd_lines(tmp_path):
    lines = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]", "a\u2028b", "", "\ue000", "[E]", "hi"]
    (tmp_path / "vocab.txt").write_bytes("\r\n".join([*lines, ""]).encode())
    tokenizer = WordPieceTokenizer.from_directory(tmp_path)
    assert tokenizer.vocabulary == tuple(lines)
    # Neither private-use characters of the text nor our stand-ins meet that entry.
    assert tokenizer.tokenize("\ue000 hi [UNK]\ue000") == ["hi", "[UNK]"]


def test_a_failed_save_leaves_the_old_files(saved, monkeypatch):
    tokenizer, directory = saved
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space"):
        tokenizer.save(directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


ADDED = {
    "added_tokens.json": {"<e1>": 30522},
    "special_tokens_map.json": {"additional_special_tokens": ["[unused1]"]},
    "tokenizer_config.json": {"additional_special_tokens": ["<e1>"]},
}


@pytest.mark.parametrize("alone", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("name", ADDED)
def test_tokens_that_other_files_add_are_whole(checkpoint, tmp_path, alone, name):
    shutil.copy(checkpoint / alone, tmp_path)
    (tmp_path / name).write_text(json.dumps(ADDED[name]))
    token = "[unused1]" if name == "special_tokens_map.json" else "<e1>"
    tokens = WordPieceTokenizer.from_directory(tmp_path).tokenize(f"hello {token} x")
    assert tokens == ["hello", token, "x"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding_side": "left"}, "padding_side must be 'right', received 'left'"),
        ({"truncation_side": "left"}, "truncation_side must be 'right'"),
        ({"tokenizer_class": "BertJapaneseTokenizer"}, "tokenizer_class is 'BertJapanese"),
    ],
)
def test_options_that_mean_other_ids_are_refused(checkpoint, tmp_path, options, message):
    shutil.copy(checkpoint / "vocab.txt", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    with pytest.raises(TokenizerError, match=message):
        WordPieceTokenizer.from_directory(tmp_path)


def test_the_length_of_old_files_is_read(checkpoint, tmp_path):
    shutil.copy(checkpoint / "vocab.txt", tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"max_len": 8}))
    assert WordPieceTokenizer.from_directory(tmp_path).model_max_length == 8
