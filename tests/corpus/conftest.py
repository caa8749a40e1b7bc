"""A small tokenizer, and runs of ``prepare`` with small units of work."""

from __future__ import annotations

import functools
import hashlib
import json
import pathlib
import string

import pytest

from keras_bert_zoo.corpus import pool
from keras_bert_zoo.corpus import prepare as preparation
from keras_bert_zoo.corpus.encoding import Encoder
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.reading import Reader

CHINESE = "我们要爱中国人民新年好的世纪"
VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "!", "?", "。", "，", "the", "a"),
    *string.ascii_lowercase.replace("a", ""),
    *(f"##{letter}" for letter in string.ascii_lowercase),
    *string.digits,
    *(f"##{digit}" for digit in string.digits),
    *CHINESE,
)


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory):
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    path = tmp_path_factory.mktemp("tokenizer")
    WordPieceTokenizer(VOCABULARY).save(path)
    return path


# Making one takes a second: tests share those of equal arguments.
shared_encoder = functools.cache(Encoder)


@pytest.fixture
def prepare(tokenizer, monkeypatch, tmp_path):
    """Runs in this process."""

    def run(corpus, output="shards", *, unit=60, report=lambda text, disk: None, **options):
        monkeypatch.setattr(pool, "Encoder", shared_encoder)
        monkeypatch.setattr(preparation, "Reader", functools.partial(Reader, unit=unit))
        names = [str(corpus)] if isinstance(corpus, pathlib.Path) else list(corpus)
        values = {"shard_tokens": 40, **options}
        return preparation.prepare(
            names, tmp_path / output, tokenizer, PrepareOptions(**values), workers=1, report=report
        )

    return run


def read_back(shards):
    """Documents of a directory: lists of sentences, which are lists of tokens."""
    words = (shards.directory / "tokenizer" / "vocab.txt").read_text("utf-8").split("\n")
    documents = []
    for index in range(len(shards)):
        shard = shards.open(index)
        start, first = 0, 0
        for past in shard.document_ends.tolist():
            sentences = []
            for end in shard.sentence_ends[first:past].tolist():
                sentences.append([words[i] for i in shard.input_ids[start:end]])
                start = end
            documents.append(sentences)
            first = past
        assert start == len(shard.input_ids)
        assert first == len(shard.sentence_ends)
    return documents


def contents(directory):
    """Digest of every file below a directory, by its name."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def write_json_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path
