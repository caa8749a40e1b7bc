"""What is not supported is named, and never read as something else."""

from __future__ import annotations

import base64

import pytest

from keras_bert_zoo.tokenizers import TokenizerError
from keras_bert_zoo.tokenizers.unigram import decoding
from keras_bert_zoo.tokenizers.unigram.pipeline import Pipeline
from keras_bert_zoo.tokenizers.unigram.segmenter import UnigramSegmenter

SMALL = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("a", -1.0)]


def _with(make_pipeline, part, entry):
    return make_pipeline(vocab=SMALL) | {part: entry}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "ByteLevel"}, "normalizer 'ByteLevel' is not supported"),
        ({"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""}, r"Replace.*'a\+'"),
        ({"type": "Replace", "pattern": {"String": ""}, "content": ""}, "texts that are not empty"),
        ({"type": "Precompiled", "precompiled_charsmap": "?"}, "Precompiled is malformed: Error"),
        ({"type": "Precompiled"}, "Precompiled is malformed: KeyError"),
        (
            {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(b"abcd").decode()},
            "states a trie of 1684234849 bytes",
        ),
        ({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "X"}]}, "'X'"),
        ({"type": "Strip"}, "Strip.*strip_left"),
        ({"type": "Prepend"}, "Prepend.*prepend"),
        ("NFC", "normalizer must hold objects"),
    ],
)
def test_normalizers(make_pipeline, entry, message):
    with pytest.raises(TokenizerError, match=message):
        UnigramSegmenter(Pipeline(_with(make_pipeline, "normalizer", entry)))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"type": "Punctuation"}, "pre_tokenizer 'Punctuation' is not supported"),
        ({"type": "Metaspace", "replacement": "__"}, "replacement of one character"),
        ({"type": "Metaspace", "prepend_scheme": "last"}, "received '▁' and 'last'"),
    ],
)
def test_pre_tokenizers(make_pipeline, entry, message):
    with pytest.raises(TokenizerError, match=message):
        UnigramSegmenter(Pipeline(_with(make_pipeline, "pre_tokenizer", entry)))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "model is missing"),
        ({"type": "BPE"}, "model is BPE"),
        ({"unk_id": None}, "unk_id must be an id below 5"),
        ({"unk_id": 5}, "received 5"),
        ({"vocab": []}, "unk_id must be"),
        ({"vocab": {"a": 1}}, "pairs of piece and score"),
        ({"vocab": [("<unk>", None)]}, "pairs of piece and score"),
        ({"vocab": [*SMALL, ("<0x00>", 0.0)], "byte_fallback": True}, "255 are missing"),
    ],
)
def test_models(make_pipeline, model, message):
    content = make_pipeline(vocab=SMALL)
    changed = None if model is None else content["model"] | model
    with pytest.raises(TokenizerError, match=message):
        Pipeline(content | {"model": changed})


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ({"id": 5, "content": "<e>", "single_word": True}, "'<e>' has the flag single_word"),
        ({"id": 5, "content": "a"}, "'a' has the id 5, but in model.vocab 4"),
        ({"id": 6, "content": "<e>"}, r"ids that follow the 5 of model.vocab, received \[6\]"),
        ({"id": 5, "content": " <e>", "lstrip": True}, "strips white space and has some"),
        ({"id": 5}, "content"),
    ],
)
def test_added_tokens(make_pipeline, token, message):
    with pytest.raises(TokenizerError, match=message):
        Pipeline(_with(make_pipeline, "added_tokens", [token]))


def test_a_token_of_which_normalisation_leaves_nothing(make_pipeline):
    token = {"id": 5, "content": "  ", "normalized": True}
    strip = {"type": "Strip", "strip_left": True, "strip_right": True}
    content = _with(make_pipeline, "added_tokens", [token]) | {"normalizer": strip}
    with pytest.raises(TokenizerError, match="nothing is left of it"):
        UnigramSegmenter(Pipeline(content))


def test_decoders():
    with pytest.raises(TokenizerError, match="decoder 'ByteFallback' is not supported"):
        decoding.join(["a"], {"type": "ByteFallback"}, False)
    with pytest.raises(TokenizerError, match="decoder None is not supported"):
        decoding.join(["a"], None, False)


def test_tokens_that_follow_the_vocabulary(make_unigram_pair, make_pipeline):
    token = {"id": 5, "content": "<e1>", "normalized": False, "special": False}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
    pair = make_unigram_pair(_with(make_pipeline, "added_tokens", [token | flags]))
    assert pair.differences(["a<e1>a <e1>", "<e1"]) == []
    assert pair.source.vocabulary[5] == "<e1>"
    assert pair.source.ids["<e1>"] == 5
