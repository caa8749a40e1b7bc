"""The corpus on an Apache Beam pipeline: the same files as without one."""

from __future__ import annotations

import functools
import gzip
import random

import pytest

from keras_bert_zoo.corpus import prepare as preparation
from keras_bert_zoo.corpus.options import PrepareOptions
from keras_bert_zoo.corpus.reading import Reader
from keras_bert_zoo.tokenizers import WordPieceTokenizer

from .conftest import VOCABULARY

pytestmark = pytest.mark.clients
UNIT = 2000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Files smaller and larger than a unit; a third of the documents are there twice."""
    generator = random.Random(1)
    lines = [" ".join(f"word{generator.randrange(50)}." for _ in range(8)) for _ in range(400)]
    lines += generator.sample(lines, 200)
    folder = tmp_path_factory.mktemp("corpus")
    for number, start in enumerate(range(0, 100, 10)):
        (folder / f"a{number}.txt").write_text("\n".join(lines[start : start + 10]))
    (folder / "b.txt").write_text("\n".join(lines[100:300]))
    (folder / "c.txt.gz").write_bytes(gzip.compress("\n".join(lines[300:]).encode()))
    return folder


@pytest.mark.parametrize("deduplicate", [True, False])
def test_the_same_bytes(corpus, ask, monkeypatch, tmp_path, deduplicate):
    tokenizer = tmp_path / "tokenizer"
    WordPieceTokenizer(VOCABULARY).save(tokenizer)
    options = {
        "format": "documents",
        "held_out": 0.1,
        "shard_tokens": 1000,
        "deduplicate": deduplicate,
    }
    monkeypatch.setattr(preparation, "Reader", functools.partial(Reader, unit=UNIT))
    here = preparation.prepare(
        [str(corpus)], tmp_path / "here", tokenizer, PrepareOptions(**options), workers=1
    )
    there = tmp_path / "there"
    arguments = (str(corpus), str(there), str(tokenizer), options, UNIT)
    assert ask("beam", "beam_client.py", *arguments) == len(here) > 3
    expected = {p.relative_to(here.directory) for p in here.directory.rglob("*") if p.is_file()}
    assert expected == {p.relative_to(there) for p in there.rglob("*") if p.is_file()}
    for name in expected:
        assert (there / name).read_bytes() == (here.directory / name).read_bytes(), name
