"""Presets of BERT that keras-hub wrote, for tests of what all architectures share."""

from __future__ import annotations

import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import Any

import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.tokenizers import WordPieceTokenizer


@pytest.fixture
def no_keras_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it fails."""
    monkeypatch.setitem(sys.modules, "keras_hub", None)


@pytest.fixture(scope="module")
def tokenizer() -> WordPieceTokenizer:
    """Fewer entries than the word tables have rows."""
    words = ["a", "the", "good", "film", "was", "not", "very", "dull", "##s", "story"]
    return WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])


@pytest.fixture(scope="module")
def live(randomise: Callable[[Any], Any], tokenizer: WordPieceTokenizer) -> dict[str, Any]:
    """One model of keras-hub of each kind, around one backbone."""
    from keras_hub import models

    backbone = models.BertBackbone(
        vocabulary_size=61,
        num_layers=2,
        num_heads=3,
        hidden_dim=24,
        intermediate_dim=40,
        max_sequence_length=20,
    )
    words = models.BertTokenizer(tokenizer.vocabulary, lowercase=True)
    classify = models.BertTextClassifierPreprocessor(words, sequence_length=18)
    embed = models.BertTextEmbedderPreprocessor(words, sequence_length=16)
    found = {
        "backbone": backbone,
        "classifier": models.BertTextClassifier(backbone, 3, classify, dropout=0.3),
        "embedder": models.BertTextEmbedder(backbone, embed, "max", normalize=False),
    }
    for model in found.values():
        randomise(model)
    return found


@pytest.fixture(scope="module")
def written(live: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The presets of these models, each in a directory of its name."""
    directory = tmp_path_factory.mktemp("presets")
    for name, model in live.items():
        model.save_to_preset(str(directory / name))
    return directory


@pytest.fixture
def copy(written: pathlib.Path, tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """Copies a preset to where a test may damage it."""
    return lambda name: pathlib.Path(shutil.copytree(written / name, tmp_path / name))


@pytest.fixture(scope="session")
def config(tiny_config: EncoderConfig) -> EncoderConfig:
    """BERT as keras-hub computes it."""
    return tiny_config.replace(hidden_act="gelu_new")
