"""A corpus to shards."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import sys

import numpy as np
import pytest
import safetensors.numpy

from keras_bert_zoo.atomic import locked
from keras_bert_zoo.corpus import prepare as preparation
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.shards import Shards, vocabulary_digest
from keras_bert_zoo.corpus.sources import CorpusError
from keras_bert_zoo.tokenizers import WordPieceTokenizer

from .conftest import VOCABULARY, contents, read_back, write_json_lines

LINES = ("the cat. A dog", "我们爱中国。好！", "the cat. A dog", "a new year", "9 lives, 9 cats!")


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


@pytest.fixture
def large(tmp_path):
    """300 documents in two files, of which some are there twice."""
    generator = random.Random(1)
    lines = [" ".join(f"word{generator.randrange(50)}." for _ in range(8)) for _ in range(200)]
    lines += generator.sample(lines, 100)
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(lines[:120]))
    (folder / "b.txt.gz").write_bytes(gzip.compress("\n".join(lines[120:]).encode()))
    return folder


def test_documents_are_tokenised_once_each(prepare, corpus):
    shards = prepare(corpus, format="documents")
    assert read_back(shards) == [
        [["the", "c", "##a", "##t", "."], ["a", "d", "##o", "##g"]],
        [["我", "们", "爱", "中", "国", "。"], ["好", "[UNK]"]],
        [["a", "n", "##e", "##w", "y", "##e", "##a", "##r"]],
        [["9", "l", "##i", "##v", "##e", "##s", ",", "9", "c", "##a", "##t", "##s", "!"]],
    ]
    assert shards.manifest["counts"] == {
        "bytes": len(corpus.read_bytes()),
        "documents": 4,
        "sentences": 6,
        "tokens": 38,
        "unknown_tokens": 1,
        "duplicate_documents": 1,
        "empty_documents": 0,
        "invalid_characters": 0,
    }


def test_the_manifest_is_what_the_files_are(prepare, large, tokenizer):
    shards = prepare(large, format="documents", unit=500, shard_tokens=300)
    manifest = shards.manifest
    assert manifest["vocabulary"] == vocabulary_digest(VOCABULARY)
    assert manifest["vocab_size"] == len(VOCABULARY)
    assert manifest["special_tokens"]["mask_token"] == 4
    assert manifest["counts"]["duplicate_documents"] == 100
    assert len(shards) > 5
    for index, entry in enumerate(manifest["shards"]):
        shard = shards.open(index)
        assert shard.input_ids.dtype == np.uint16
        assert entry["tokens"] == len(shard.input_ids)
        assert entry["sentences"] == len(shard.sentence_ends)
        assert entry["documents"] == len(shard.document_ends)
        assert entry["sha256"] == contents(shards.directory)[entry["file"]]
    for name in ("documents", "sentences", "tokens", "unknown_tokens"):
        assert manifest["counts"][name] == sum(entry[name] for entry in manifest["shards"])
    shards.check_vocabulary(WordPieceTokenizer.from_directory(tokenizer).words)


def test_ids_are_those_of_the_tokenizer(prepare, tmp_path, tokenizer):
    texts = ["the [MASK] cat", "Ünïcode， ok", "x" * 101, "\u200d", "a\x01b", "中a国"]
    shards = prepare(write_json_lines(tmp_path / "t.jsonl", [{"text": t} for t in texts]))
    ours = WordPieceTokenizer.from_directory(tokenizer)
    expected = [tokens for text in texts if (tokens := ours.tokenize(text.replace("\x01", " ")))]
    assert [[*itertools.chain(*document)] for document in read_back(shards)] == expected
    assert shards.manifest["counts"]["empty_documents"] == 1


def test_held_out_documents_are_the_others(prepare, large):
    every = prepare(large, "every", format="documents", unit=500)
    some = prepare(large, "some", format="documents", unit=500, held_out=0.2)
    held_out = Shards(some.directory / "held_out")
    kept, apart = read_back(some), read_back(held_out)
    assert sorted(kept + apart) == sorted(read_back(every))
    assert 20 < len(apart) < 60
    counts = held_out.manifest["counts"]
    assert counts["documents"] == len(apart)
    assert some.manifest["counts"]["documents"] == len(kept) + len(apart)
    # The same text is on the same side, wherever it stands.
    twice = prepare(large, "twice", format="documents", unit=900, held_out=0.2, deduplicate=False)
    apart_twice = read_back(Shards(twice.directory / "held_out"))
    assert {str(d) for d in apart_twice} == {str(d) for d in apart}
    assert not {str(d) for d in read_back(twice)} & {str(d) for d in apart}


def test_duplicates_stay_if_they_are_wanted(prepare, corpus):
    shards = prepare(corpus, format="documents", deduplicate=False)
    assert len(read_back(shards)) == 5
    assert shards.manifest["counts"]["duplicate_documents"] == 0


def test_words_of_a_text_cut_by_spaces(prepare, corpus):
    corpus.write_text("我们 爱 中国 人民。 don't abc中国 99 新年x", "utf-8")
    shard = prepare(corpus, format="documents", words="spaces").open(0)
    tokens = [VOCABULARY[index] for index in shard.input_ids]
    words = [t if not on else f"_{t}" for t, on in zip(tokens, shard.word_continues, strict=True)]
    expected = "我 _们 爱 中 _国 人 _民 。 d _##o _##n [UNK] t a _##b _##c 中 _国 9 _##9 新 _年 x"
    assert " ".join(words) == expected


@pytest.mark.parametrize("after", [0, 1, 3, 4])
def test_a_run_that_stopped_goes_on_to_the_same_bytes(prepare, large, after):
    options = {"format": "documents", "unit": 2000, "shard_tokens": 800, "held_out": 0.1}
    whole = prepare(large, "whole", **options)
    done = itertools.count()

    def stop(text, disk):
        if next(done) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(large, "stopped", report=stop, **options)
    told = []
    shards = prepare(large, "stopped", report=lambda text, disk: told.append(text), **options)
    assert contents(shards.directory) == contents(whole.directory)
    assert sum(told) == whole.manifest["counts"]["bytes"]


def test_other_options_and_another_corpus_do_not_go_on(prepare, large):
    options = {"format": "documents", "unit": 2000, "shard_tokens": 800}
    done = itertools.count()

    def stop(text, disk):
        if next(done) == 4:
            raise KeyboardInterrupt

    for finished in (False, True):
        if finished:
            prepare(large, **options)
        else:
            with pytest.raises(KeyboardInterrupt):
                prepare(large, report=stop, **options)
        with pytest.raises(ValueError, match=r"format: was 'documents', is 'text'; held_out: was"):
            prepare(large, **{**options, "format": "text", "held_out": 0.5})
        with pytest.raises(ValueError, match=r"corpus: was .* files: was 2, is 1"):
            prepare(large / "a.txt", **options)


def test_a_corpus_that_changed_does_not_go_on(prepare, large):
    options = {"format": "documents", "unit": 2000, "shard_tokens": 800}
    done = itertools.count()

    def stop(text, disk):
        if next(done) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(large, report=stop, **options)
    file = large / "a.txt"
    file.write_text(file.read_text().replace("word1.", "word2.", 1))
    with pytest.raises(CorpusError, match="The corpus changed since the run"):
        prepare(large, **options)


def test_a_finished_run_is_not_done_again_and_a_damaged_one_is(prepare, large):
    options = {"format": "documents", "unit": 2000, "shard_tokens": 800}
    shards = prepare(large, **options)
    before = contents(shards.directory)
    told = []
    prepare(large, report=lambda text, disk: told.append(text), **options)
    assert told == []
    shards.files[0].unlink()
    shards.files[2].write_bytes(b"cut short")
    prepare(large, **options)
    assert contents(shards.directory) == before


def test_units_are_not_in_the_result_where_no_document_is(prepare, tmp_path):
    (tmp_path / "corpus").mkdir()
    for number, text in enumerate(("the cat", "   \n\n ", "the cat", "a dog")):
        (tmp_path / "corpus" / f"{number}.txt").write_text(text)
    shards = prepare(tmp_path / "corpus", unit=8, shard_tokens=1)
    assert len(read_back(shards)) == 2
    assert len(shards) == 2


@pytest.mark.parametrize("content", [b"", b" \n\n ", "\u200d\n".encode()])
def test_an_empty_corpus_is_an_error(prepare, corpus, content):
    corpus.write_bytes(content)
    with pytest.raises(CorpusError, match="The corpus is empty"):
        prepare(corpus)


def test_a_binary_file_is_refused_before_any_work(prepare, large):
    (large / "z.bin").write_bytes(b"\x7fELF\0\0")
    told = []
    with pytest.raises(CorpusError, match=r"z\.bin is no text"):
        prepare(large, format="documents", report=lambda text, disk: told.append(text))
    assert told == []


def test_invalid_utf8_is_counted_or_an_error(prepare, corpus):
    corpus.write_bytes(corpus.read_bytes() + b"the \xff\xff cat")
    shards = prepare(corpus, format="documents")
    assert shards.manifest["counts"]["invalid_characters"] == 2
    position = corpus.read_bytes().index(b"\xff")
    with pytest.raises(CorpusError, match=rf"corpus\.txt is no valid UTF-8 at byte {position}"):
        prepare(corpus, "strict", format="documents", invalid_utf8="error")


def test_standard_input(prepare, monkeypatch, corpus):
    def piped():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(corpus.read_bytes())))

    piped()
    shards = prepare(["-"], "piped", format="documents")
    assert read_back(shards) == read_back(prepare(corpus, format="documents"))


def test_parquet(prepare, tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = ["the cat. A dog", None, "我们\n好", "a dog"] * 100
    table = arrow.table({"text": texts, "number": list(range(400))})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=50)
    shards = prepare(tmp_path / "t.parquet")
    assert [len(document) for document in read_back(shards)] == [2, 2, 1]
    with pytest.raises(CorpusError, match=r"text_column must be a column of text .*received 'numb"):
        prepare(tmp_path / "t.parquet", "other", text_column="number")
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match=r"t\.parquet is no parquet file"):
        prepare(tmp_path / "t.parquet", "broken")


def test_a_vocabulary_beyond_two_bytes(prepare, corpus, tokenizer, tmp_path):
    big = tmp_path / "big"
    WordPieceTokenizer([*VOCABULARY, *(f"zz{i}" for i in range(70_000))]).save(big)
    corpus.write_text("zz69999 the cat")
    shards = preparation.prepare([str(corpus)], tmp_path / "out", big, workers=1)
    ids = shards.open(0).input_ids
    assert ids.dtype == np.int32
    assert ids[0] == len(VOCABULARY) + 69_999


def test_two_runs_at_once_do_not_share_a_directory(prepare, corpus, tmp_path):
    (tmp_path / "shards").mkdir()
    with locked(tmp_path / "shards"), pytest.raises(FileExistsError, match="another run writes"):
        prepare(corpus)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": "csv"}, r"format must be one of .*received 'csv'"),
        ({"held_out": 1.0}, "held_out must be at least 0 and below 1, received 1.0"),
        ({"shard_tokens": 0}, "shard_tokens must be in"),
        ({"words": "jieba", "invalid_utf8": "skip"}, r"invalid_utf8 must .*; words must"),
    ],
)
def test_options_out_of_range(values, message):
    with pytest.raises(ValueError, match=message):
        PrepareOptions(**values)


def test_shards_are_plain_safetensors(prepare, corpus):
    shards = prepare(corpus, format="documents")
    arrays = safetensors.numpy.load_file(shards.files[0])
    assert set(arrays) == {"input_ids", "sentence_ends", "document_ends"}
    json.dumps(shards.manifest)
