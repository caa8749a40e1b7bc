"""Reading and writing the files of byte-level BPE tokenizers."""

from __future__ import annotations

import functools
import json

import pytest
from limits import limits
from tokenizers import Tokenizer

from keras_bert_zoo.tokenizers import (
    ByteBpeTokenizer,
    TokenizerError,
    WordPieceTokenizer,
    load_tokenizer,
)

TEXTS = ["Hello  wörld <mask> [MASK] it's  \n", "e\u0301 <s>    x|||IP||| 中", ""]
KINDS = ("roberta", "untrimmed", "prefix", "whole words", "modernbert", "types and trimmed")


@pytest.fixture(params=KINDS)
def saved(request, make_pair, tmp_path):
    pair = make_pair(request.param)
    pair.ours.save(tmp_path)
    return pair, tmp_path


def test_what_is_saved_is_read_back(saved):
    pair, directory = saved
    read = load_tokenizer(directory)
    assert isinstance(read, ByteBpeTokenizer)
    assert read.vocabulary == pair.ours.vocabulary
    assert read.options == pair.ours.options
    assert read(TEXTS)["input_ids"].to_list() == pair.ours(TEXTS)["input_ids"].to_list()


def test_the_reference_reads_what_is_saved(saved):
    pair, directory = saved
    written, theirs = (json.loads(t.to_str()) for t in (_read(directory), pair.theirs))
    for part in ("normalizer", "post_processor", "added_tokens", "model"):
        assert written[part] == theirs[part], part
    for part in ("pre_tokenizer", "decoder"):
        assert written[part]["type"] == theirs[part]["type"]
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    for mine, other in zip(
        *(t.encode_batch(pairs) for t in (_read(directory), pair.theirs)), strict=True
    ):
        assert (mine.ids, mine.type_ids, mine.offsets) == (other.ids, other.type_ids, other.offsets)


@pytest.mark.parity
def test_transformers_reads_what_is_saved(saved):
    import transformers

    pair, directory = saved
    theirs = transformers.AutoTokenizer.from_pretrained(directory)
    ours = pair.ours
    got = ours(TEXTS, TEXTS[::-1], return_offsets_mapping=True)
    expected = theirs(TEXTS, TEXTS[::-1], return_offsets_mapping=True, return_token_type_ids=True)
    assert got["input_ids"].to_list() == expected["input_ids"]
    assert got["token_type_ids"].to_list() == expected["token_type_ids"]
    offsets = [[list(span) for span in row] for row in expected["offset_mapping"]]
    assert got["offset_mapping"].to_list() == offsets
    assert len(theirs) == ours.vocab_size
    assert theirs.model_max_length == ours.model_max_length
    roles = ("unk", "sep", "pad", "cls", "mask")
    ids = [getattr(theirs, f"{role}_token_id") for role in roles]
    assert ids == [getattr(ours, f"{role}_token_id") for role in roles]
    for row in got["input_ids"].to_list():
        for skip in (False, True):
            text = theirs.decode(row, skip_special_tokens=skip)
            assert ours.decode(row, skip_special_tokens=skip) == text


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["roberta", "prefix"])
def test_vocabulary_and_merges_are_enough(make_pair, tmp_path, kind):
    """As the first RoBERTa was published; transformers reads such files through its class."""
    import transformers

    make_pair(kind).ours.save(tmp_path)
    for name in ("tokenizer.json", "special_tokens_map.json"):
        (tmp_path / name).unlink()
    options = {"add_prefix_space": kind == "prefix", "tokenizer_class": "RobertaTokenizer"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(options))
    ours, theirs = load_tokenizer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    # The mask takes the white space before it, as in transformers 4; in version 5 it does not.
    assert (
        ours("a  <mask>")["input_ids"].to_list()
        == make_pair(kind).ours("a  <mask>")["input_ids"].to_list()
    )
    texts = [text.replace(" <mask>", "<mask>") for text in TEXTS]
    assert ours(texts)["input_ids"].to_list() == theirs(texts)["input_ids"]
    assert ours(texts, texts)["input_ids"].to_list() == theirs(texts, texts)["input_ids"]


def test_deberta_is_told_by_its_special_tokens(make_pair, tmp_path):
    """Its files, as published, name no class."""
    pair = make_pair("deberta")
    pair.theirs.model.save(str(tmp_path))
    ours = load_tokenizer(tmp_path)
    got = ours(TEXTS, TEXTS[::-1], return_offsets_mapping=True)
    expected = pair.theirs.encode_batch(list(zip(TEXTS, TEXTS[::-1], strict=True)))
    assert got["input_ids"].to_list() == [row.ids for row in expected]
    assert got["token_type_ids"].to_list() == [row.type_ids for row in expected]
    offsets = [[list(span) for span in row.offsets] for row in expected]
    assert got["offset_mapping"].to_list() == offsets
    assert ours.mask_token_id == pair.ours.mask_token_id


def test_old_files_leave_out_what_came_later(make_pair, tmp_path):
    content = _content(make_pair("roberta"))
    for name in ("type", "byte_fallback", "ignore_merges", "dropout"):
        del content["model"][name]
    content["model"]["merges"] = [" ".join(pair) for pair in content["model"]["merges"]]
    content["model"] |= {"continuing_subword_prefix": "", "end_of_word_suffix": ""}
    del content["pre_tokenizer"]["use_regex"]
    read = _load(content, tmp_path)
    assert read.options == make_pair("roberta").ours.options
    texts = ["the naïve <mask>"]
    expected = make_pair("roberta").ours(texts)["input_ids"].to_list()
    assert read(texts)["input_ids"].to_list() == expected


def test_the_options_file_counts_over_tokenizer_json(make_pair, tmp_path):
    config = {"add_prefix_space": True, "model_max_length": 1e30, "mask_token": "<pad>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    read = _load(_content(make_pair("roberta")), tmp_path)
    assert (
        read("the")["input_ids"].to_list() == make_pair("prefix").ours("the")["input_ids"].to_list()
    )
    assert (read.model_max_length, read.mask_token_id) == (2**31 - 1, read.pad_token_id)


def test_two_vocabularies_that_disagree_are_warned_about(make_pair, tmp_path, caplog):
    make_pair("roberta").ours.save(tmp_path)
    load_tokenizer(tmp_path)
    assert not caplog.records
    ids = json.loads((tmp_path / "vocab.json").read_text(encoding="utf-8"))
    ids["an edit"] = ids.pop("the")
    (tmp_path / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    assert "the" in load_tokenizer(tmp_path).vocabulary
    assert "vocab.json is not the vocabulary of tokenizer.json" in caplog.text


def _byte_level(**changes):
    fields = {"add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"type": "ByteLevel", **fields, **changes}


def _after_spans(processor, _):
    return {"type": "Sequence", "processors": [_byte_level(), processor]}


def _template(type_id=0, tokens=("<s>",), ids=(0,), times=1):
    row = [{"SpecialToken": {"id": "<s>", "type_id": 0}}] * times
    row += [{"Sequence": {"id": name, "type_id": type_id}} for name in "AB"]
    special = {"<s>": {"id": "<s>", "ids": ids, "tokens": tokens}}
    return {
        "type": "TemplateProcessing",
        "single": row[:-1],
        "pair": row,
        "special_tokens": special,
    }


CHANGES = {
    "another pre-tokenizer": (
        {"pre_tokenizer": {"type": "Whitespace"}},
        "pre_tokenizer is Whitesp",
    ),
    "no regular expression": ({"pre_tokenizer": _byte_level(use_regex=False)}, "use_regex true"),
    "another normalizer": ({"normalizer": {"type": "NFKC"}}, r"NFC or none, received \['NFKC'\]"),
    "no decoder": ({"decoder": None}, "decoder is missing, expected ByteLevel"),
    "no template": ({"post_processor": None}, "post_processor is missing"),
    "spans alone": ({"post_processor": _byte_level()}, r"post_processor is \['ByteLevel'\]"),
    "another prefix in spans": (
        {
            "post_processor": {
                "type": "RobertaProcessing",
                "sep": ["</s>", 2],
                "cls": ["<s>", 0],
                "trim_offsets": True,
                "add_prefix_space": True,
            }
        },
        "add_prefix_space must be the same",
    ),
    "other ids": (
        {
            "post_processor": {
                "type": "RobertaProcessing",
                "sep": ["</s>", 9],
                "cls": ["<s>", 0],
                "trim_offsets": True,
                "add_prefix_space": False,
            }
        },
        r"the ids \{'</s>': 9\} of post_processor",
    ),
    "a whole word": (
        {"added_tokens": [{"id": 0, "content": "<s>", "single_word": True}]},
        r"flags of added tokens only \('lstrip', 'rstrip', 'normalized'\) are known",
    ),
    "a token far away": ({"added_tokens": [{"id": 40_000, "content": "[X]"}]}, "must have the ids"),
    "a list": ({"added_tokens": 3}, "malformed"),
    "an added token of any length": (
        {"added_tokens": [{"id": 2005, "content": "x" * 10**6}]},
        "of at most 256 bytes each",
    ),
    "processors without end": (
        {"post_processor": functools.reduce(_after_spans, range(33), _byte_level())},
        "nested more than 64 levels",
    ),
    "a processor that is empty": (
        {"post_processor": {"type": "BertProcessing", "cls": [], "sep": []}},
        "malformed: IndexError",
    ),
    "processors that nobody reads": (
        {
            "post_processor": {
                "type": "Sequence",
                "processors": [_byte_level(), _template(), {"type": "evil"}],
            }
        },
        "post_processor is .*'evil'",
    ),
    "a type of 10**30": (
        {"post_processor": _template(type_id=10**30)},
        "type_id must be an integer from 0 to 65535",
    ),
    "a token that is none": (
        {"post_processor": _template(tokens=[None], ids=[0])},
        "are not the vocabulary's",
    ),
    # A file of some MB could so ask for 10**12 parts.
    "tokens over and over": (
        {"post_processor": _template(tokens=["<s>"] * 1000, ids=[0] * 1000, times=1000)},
        "at most 64 parts",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_not_supported_is_named(make_pair, tmp_path, name):
    changes, message = CHANGES[name]
    with limits(), pytest.raises(TokenizerError, match=message):
        _load({**_content(make_pair("roberta")), **changes}, tmp_path)


MODELS = {
    "dropout": ({"dropout": 0.1}, "model.dropout must be empty, received 0.1"),
    "a prefix": ({"continuing_subword_prefix": "##"}, "continuing_subword_prefix must be empty"),
    "a merge of three": ({"merges": ["a b c"]}, "a merge must be two tokens"),
    "an unknown merge": ({"merges": [["a", "qqq"]]}, r"lacks tokens of merges: \['qqq'\]"),
    "an unknown result": ({"merges": [["<s>", "b"]]}, r"lacks results of merges: \['<s>b'\]"),
    "a gap": ({"vocab": {"a": 0, "b": 2}}, "without gaps"),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_that_are_not_supported(make_pair, tmp_path, name):
    changes, message = MODELS[name]
    content = _content(make_pair("roberta"))
    content["model"] |= changes
    with pytest.raises(TokenizerError, match=message):
        _load(content, tmp_path)


def test_a_vocabulary_without_a_byte(make_pair):
    source = make_pair("roberta").ours
    words = [word for word in source.words if word != "Ĵ"]
    with pytest.raises(TokenizerError, match=r"lacks the characters of bytes: \['Ĵ'\]"):
        ByteBpeTokenizer(words, [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalizer": "NFD"}, "normalizer must be 'NFC' or None"),
        ({"token_flags": {"<s>": ["single_word"]}}, "token_flags a mapping"),
        ({"add_prefix_space": 1}, "of the wrong type.*add_prefix_space"),
        ({"template": "<s> A </s>"}, "template a Template"),
    ],
)
def test_wrong_options(make_pair, options, message):
    with pytest.raises(TokenizerError, match=message):
        ByteBpeTokenizer(make_pair("roberta").ours.words, [], **options)


def test_a_directory_tells_its_kind(make_pair, tmp_path):
    assert type(load_tokenizer(make_pair("roberta").directory)) is ByteBpeTokenizer
    with pytest.raises(TokenizerError, match="not a BERT WordPiece tokenizer: model is BPE"):
        WordPieceTokenizer.from_directory(make_pair("roberta").directory)
    WordPieceTokenizer(["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]).save(tmp_path)
    assert type(load_tokenizer(tmp_path)) is WordPieceTokenizer
    with pytest.raises(TokenizerError, match="not a byte-level BPE tokenizer: model is WordPiece"):
        ByteBpeTokenizer.from_directory(tmp_path)


def test_a_vocabulary_tells_its_kind(make_pair, tmp_path):
    make_pair("roberta").ours.save(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (tmp_path / name).unlink()
    assert type(load_tokenizer(tmp_path)) is ByteBpeTokenizer
    words = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    assert type(load_tokenizer(tmp_path)) is WordPieceTokenizer
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizerFast"}')
    assert type(load_tokenizer(tmp_path)) is ByteBpeTokenizer
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "GPT2Tokenizer"}')
    with pytest.raises(TokenizerError, match="tokenizer_class is 'GPT2Tokenizer'"):
        load_tokenizer(tmp_path)


def test_directories_of_no_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nor vocab\.txt nor vocab\.json with merges\.txt"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "WordLevel"}}')
    with pytest.raises(TokenizerError, match=r"the model is WordLevel, supported are \['BPE', "):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": ["BPE"]}}')
    with pytest.raises(TokenizerError, match=r"the model is \['BPE'\]"):
        load_tokenizer(tmp_path)


def _read(directory) -> Tokenizer:
    return Tokenizer.from_file(str(directory / "tokenizer.json"))


def _content(pair) -> dict:
    return json.loads(pair.theirs.to_str())


def _load(content, directory) -> ByteBpeTokenizer:
    (directory / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return load_tokenizer(directory)
