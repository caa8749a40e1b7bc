"""Vocabularies of a corpus."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from keras_bert_zoo.corpus.sources import CorpusError
from keras_bert_zoo.corpus.vocabulary import SPECIAL_TOKENS, VocabularyOptions, save, train
from keras_bert_zoo.tokenizers import WordPieceTokenizer

ENGLISH = "Der Fluß, the river's Flow flows on — naïve CAFÉ, 1998 and 42!\n" * 20
CHINESE = "我们爱中国人民。新年好，ABC世纪！\n" * 20


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    generator = random.Random(5)
    words = ["".join(generator.choices("abcdefgh", k=generator.randint(2, 9))) for _ in range(400)]
    (folder / "random.txt").write_text(
        "\n\n".join(" ".join(generator.choices(words, k=60)) for _ in range(100))
    )
    (folder / "english.txt").write_text(ENGLISH, "utf-8")
    (folder / "chinese.txt").write_text(CHINESE, "utf-8")
    return folder


def options(**values):
    return VocabularyOptions(**{"size": 400, "format": "documents", **values})


def test_special_tokens_come_first_and_characters_follow(corpus):
    words = train([str(corpus)], options()).words
    assert len(words) == 400
    assert words[:5] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") == SPECIAL_TOKENS
    assert {"我", "们", "!", "f", "##f", "9", "##9"} <= set(words)
    # These are words of their own wherever they stand.
    assert not {"##我", "##们", "##!"} & set(words)
    assert "é" not in words
    assert {"F", "É", "##É", "ï"} <= set(train([str(corpus)], options(lower_case=False)).words)


@pytest.mark.slow
def test_the_vocabulary_is_the_same_in_every_process(corpus):
    program = (
        "import sys; from keras_bert_zoo.corpus.vocabulary import VocabularyOptions, train;"
        "o = VocabularyOptions(size=300, format='documents', limit_alphabet=40);"
        "sys.stdout.buffer.write('\\n'.join(train([sys.argv[1]], o).words).encode())"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(corpus)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    first, second = (run.communicate()[0] for run in runs)
    assert first.decode().split("\n") == second.decode().split("\n")
    assert len(first.decode().split("\n")) == 300


def test_it_opens_in_our_tokenizer_and_knows_its_text(corpus, tmp_path):
    save(train([str(corpus)], options()), tmp_path / "out")
    tokenizer = WordPieceTokenizer.from_directory(tmp_path / "out")
    for text in (ENGLISH, CHINESE):
        assert "[UNK]" not in tokenizer.tokenize(text)
    with pytest.raises(FileExistsError, match=r"out holds \['tokenizer.json', 'vocab.txt'\]"):
        save(train([str(corpus)], options()), tmp_path / "out")


@pytest.mark.parity
@pytest.mark.parametrize("lower_case", [True, False])
def test_it_opens_in_transformers_with_the_same_ids(corpus, tmp_path, lower_case):
    from transformers import AutoTokenizer

    save(train([str(corpus)], options(lower_case=lower_case)), tmp_path / "out")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "out")
    ours = WordPieceTokenizer.from_directory(tmp_path / "out")
    texts = [*ENGLISH.splitlines()[:1], *CHINESE.splitlines()[:1], "[MASK] unseen Ŵörds 東京", ""]
    assert ours(texts)["input_ids"].to_list() == theirs(texts)["input_ids"]
    assert theirs.mask_token_id == ours.mask_token_id == 4


def test_a_limit_keeps_the_most_frequent_characters(corpus):
    words = train([str(corpus)], options(limit_alphabet=8, size=100)).words
    assert sorted(w for w in words if len(w) == 1) == list("abcdefgh")


def test_what_cannot_be(corpus, tmp_path):
    with pytest.raises(ValueError, match=r"size must be at least .* characters, .* received 20"):
        train([str(corpus)], options(size=20))
    with pytest.raises(ValueError, match="min_frequency must be at least 1, received 0"):
        options(min_frequency=0)
    with pytest.raises(CorpusError, match="reads its corpus twice"):
        train(["-"])
    (tmp_path / "blank").write_text(" \n")
    with pytest.raises(CorpusError, match="hold no text"):
        train([str(tmp_path / "blank")])
