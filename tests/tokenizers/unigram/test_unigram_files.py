"""The tokenizer as a whole: read from files, special tokens put in, written back."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf
from tokenizers import Tokenizer

from keras_bert_zoo.tokenizers import TokenizerError, UnigramTokenizer, load_tokenizer
from keras_bert_zoo.tokenizers.graph_decoding import TokenJoiner

TEXTS = ["Größe  ①\u0301 <mask> x.", "", "哈哈哈 \r\n İ <s>", " e\u0301 ``it's'' , 1,000 ﷺ"]
NAMES = ("xlm-r", "albert", "deberta-v3", "trained", "bytes")


def _write(directory, content, **config):
    (directory / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    (directory / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return directory


@pytest.fixture(scope="module", params=NAMES)
def saved(request, make_unigram_content, tmp_path_factory):
    """A tokenizer read from the reference's file, that file, and where it was written to."""
    first, second = (tmp_path_factory.mktemp("tokenizer") for _ in range(2))
    ours = load_tokenizer(_write(first, make_unigram_content(request.param)))
    ours.save(second)
    return ours, Tokenizer.from_file(str(first / "tokenizer.json")), second


def test_pairs_are_packed_as_the_reference_does(saved):
    ours, theirs, _ = saved
    assert isinstance(ours, UnigramTokenizer)
    got = ours(TEXTS, TEXTS[::-1], return_offsets_mapping=True, return_special_tokens_mask=True)
    rows = theirs.encode_batch(list(zip(TEXTS, TEXTS[::-1], strict=True)))
    assert got["input_ids"].to_list() == [row.ids for row in rows]
    assert got["token_type_ids"].to_list() == [row.type_ids for row in rows]
    assert got["special_tokens_mask"].to_list() == [row.special_tokens_mask for row in rows]
    offsets = [[list(span) for span in row.offsets] for row in rows]
    assert got["offset_mapping"].to_list() == offsets


def test_rows_are_cut_as_the_reference_cuts_them(saved):
    ours, theirs, _ = saved
    options = {"truncation": "longest_first", "max_length": 12}
    got = ours(TEXTS, TEXTS[::-1], **options, stride=2, return_overflowing_tokens=True)
    theirs = Tokenizer.from_str(theirs.to_str())  # truncation is a state of it
    theirs.enable_truncation(12, stride=2)
    rows = [
        row.ids
        for first in theirs.encode_batch(list(zip(TEXTS, TEXTS[::-1], strict=True)))
        for row in (first, *first.overflowing)
    ]
    assert got["input_ids"].to_list() == rows


def test_what_is_saved_says_what_was_read(saved):
    ours, theirs, directory = saved
    written = Tokenizer.from_file(str(directory / "tokenizer.json"))
    assert json.loads(written.to_str()) == json.loads(theirs.to_str())
    read = load_tokenizer(directory)
    assert (read.vocabulary, read.options) == (ours.vocabulary, ours.options)
    assert read(TEXTS)["input_ids"].to_list() == ours(TEXTS)["input_ids"].to_list()


def test_ids_become_text_in_the_graph(saved):
    ours, _, _ = saved
    rows = ours(TEXTS, padding=True)["input_ids"]
    texts = ours.batch_decode(rows, skip_special_tokens=True)
    assert [text.decode() for text in TokenJoiner(ours)(rows).numpy()] == texts
    assert any(texts)


@pytest.mark.parity
def test_transformers_reads_what_is_saved(saved):
    import transformers

    ours, _, directory = saved
    theirs = transformers.AutoTokenizer.from_pretrained(directory)
    got = ours(TEXTS, TEXTS[::-1], return_offsets_mapping=True)
    expected = theirs(TEXTS, TEXTS[::-1], return_offsets_mapping=True, return_token_type_ids=True)
    assert got["input_ids"].to_list() == expected["input_ids"]
    assert got["token_type_ids"].to_list() == expected["token_type_ids"]
    offsets = [[list(span) for span in row] for row in expected["offset_mapping"]]
    assert got["offset_mapping"].to_list() == offsets
    assert (len(theirs), theirs.model_max_length) == (ours.vocab_size, ours.model_max_length)
    roles = [f"{role}_token_id" for role in ("unk", "sep", "pad", "cls", "mask")]
    assert [getattr(theirs, role) for role in roles] == [getattr(ours, role) for role in roles]
    for row in got["input_ids"].to_list():
        for skip, clean in ((False, False), (True, True)):
            options = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": clean}
            assert ours.decode(row, **options) == theirs.decode(row, **options)


def test_tokens_of_other_files(make_unigram_content, tmp_path):
    config = {"mask_token": {"content": "<m>"}, "additional_special_tokens": ["<e1>"]}
    _write(tmp_path, make_unigram_content("xlm-r"), **config, model_max_length=1e30)
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<m>": 2000}))
    ours = load_tokenizer(tmp_path)
    assert ours.vocabulary[2000:] == ("<m>", "<e1>")
    assert (ours.mask_token_id, ours.model_max_length) == (2000, 2**31 - 1)
    assert ours("<e1><m>")["input_ids"].to_list() == [[0, 2001, 2000, 2]]
    ours.save(tmp_path / "saved")
    theirs = Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))
    assert theirs.encode("<e1><m>").ids == [0, 2001, 2000, 2]


def test_old_files_do_not_name_the_model(make_unigram_content, tmp_path):
    content = make_unigram_content("xlm-r")
    for name in ("type", "byte_fallback"):
        del content["model"][name]
    assert isinstance(load_tokenizer(_write(tmp_path, content)), UnigramTokenizer)


@pytest.mark.parametrize(
    ("change", "config", "message"),
    [
        ({"post_processor": None}, {}, "post_processor is missing"),
        (
            {"post_processor": {"type": "RobertaProcessing", "trim_offsets": True}},
            {},
            "trim_offsets is not supported",
        ),
        ({}, {"mask_token": "<m>"}, r"lacks the special tokens \['<m>'\]"),
        ({"model": {"type": "WordLevel"}}, {}, r"WordLevel.*'Unigram'"),
    ],
)
def test_what_is_refused(make_unigram_content, tmp_path, change, config, message):
    content = make_unigram_content("xlm-r") | change
    if change.get("post_processor"):
        ends = {"sep": ["</s>", 2], "cls": ["<s>", 0], "add_prefix_space": True}
        content["post_processor"] = change["post_processor"] | ends
    with pytest.raises(TokenizerError, match=message):
        load_tokenizer(_write(tmp_path, content, **config))


def test_ids_of_the_template(make_unigram_content, tmp_path):
    content = make_unigram_content("xlm-r")
    content["post_processor"]["special_tokens"]["</s>"]["ids"] = [7]
    with pytest.raises(TokenizerError, match=r"the ids {'</s>': 7} of post_processor"):
        load_tokenizer(_write(tmp_path, content))


def test_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"spiece\.model or spm\.model"):
        load_tokenizer(tmp_path)


@pytest.mark.slow
def test_inside_a_saved_model(make_unigram_content, tmp_path):
    module = tf.Module()
    module.tokenizer = load_tokenizer(_write(tmp_path, make_unigram_content("xlm-r")))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2)
    def encode(first, second):
        return module.tokenizer(first, second, padding="max_length", truncation=True, max_length=16)

    module.encode = encode
    tf.saved_model.save(module, str(tmp_path / "saved"))
    served = tf.saved_model.load(str(tmp_path / "saved"))
    texts = tf.constant(TEXTS)
    expected = module.tokenizer(TEXTS, TEXTS, padding="max_length", truncation=True, max_length=16)
    for name, values in served.encode(texts, texts).items():
        assert values.numpy().tolist() == expected[name].numpy().tolist(), name
