"""``vocab`` and ``prepare`` on the command line."""

from __future__ import annotations

import random

import pytest

from keras_bert_zoo.cli import main
from keras_bert_zoo.corpus.shards import Shards


@pytest.fixture
def corpus(tmp_path):
    generator = random.Random(2)
    words = ["".join(generator.choices("abcdef", k=generator.randint(2, 6))) for _ in range(60)]
    lines = [" ".join(generator.choices(words, k=12)) for _ in range(80)]
    (tmp_path / "corpus.txt").write_text("\n".join(lines))
    return str(tmp_path / "corpus.txt")


def test_a_vocabulary_and_shards(corpus, tmp_path, capsys):
    vocabulary, shards = str(tmp_path / "vocabulary"), str(tmp_path / "shards")
    assert main(["vocab", corpus, "--output", vocabulary, "--size", "100"]) == 0
    assert "100 tokens" in capsys.readouterr().out.replace("\n", "")
    prepared = ["prepare", corpus, "--tokenizer", vocabulary, "--output", shards, "--workers", "1"]
    assert main([*prepared, "--format", "documents", "--held-out", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "MB/s" in said
    assert "100%" in said
    assert "unknown tokens, %" in said
    assert Shards(shards).manifest["counts"]["documents"] == 80
    assert main([*prepared, "--format", "text"]) == 2
    assert "format: was 'documents', is 'text'" in capsys.readouterr().err


def test_a_vocabulary_of_another_text_is_warned_of(corpus, tmp_path, capsys):
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "x"]).save(tmp_path / "tok")
    words = ["--tokenizer", str(tmp_path / "tok"), "--output", str(tmp_path / "shards")]
    assert main(["prepare", corpus, *words, "--workers", "1"]) == 0
    assert "100.0 % of the tokens are unknown" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tokenizer", "nowhere"], "nowhere"),
        (["--tokenizer", ".", "--held_out", "2"], "held_out must be at least 0"),
        (["--tokenizer", ".", "--workers", "0"], "workers must be at least 1"),
    ],
)
def test_errors_are_short(corpus, tmp_path, capsys, words, message):
    assert main(["prepare", corpus, "--output", str(tmp_path / "out"), *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
