"""A bundle to convert."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from keras_bert_zoo.bundle import save
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder, PretrainingModel
from keras_bert_zoo.tokenizers import WordPieceTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "##e", "É"]


@pytest.fixture(scope="module")
def tokenizer() -> WordPieceTokenizer:
    return WordPieceTokenizer(WORDS, do_lower_case=False)


@pytest.fixture(scope="module")
def pretrained(
    tiny_config: EncoderConfig,
    randomise: Callable[[Any], Any],
    tokenizer: WordPieceTokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> pathlib.Path:
    """A bundle with pretraining heads."""
    model = randomise(PretrainingModel(BertEncoder(tiny_config)))
    return save(model, tokenizer, tmp_path_factory.mktemp("pretrained") / "bundle")
