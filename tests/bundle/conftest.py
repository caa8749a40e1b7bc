"""Golden checkpoints to damage, and a tokenizer that fits them."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
WORDS = ["a", "the", "good", "film", "was", "not", "very", "dull", "##s", "story"]


@pytest.fixture
def copy_golden(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """Copies a golden checkpoint to where a test may damage it."""

    def copy(name: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(GOLDEN / name, tmp_path / name))

    return copy


@pytest.fixture(scope="session")
def golden_outputs() -> Callable[[str], tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """Inputs and expected outputs of a golden checkpoint."""

    def read(path: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        arrays = dict(np.load(GOLDEN / path))
        prefix = "input."
        inputs = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        return inputs, {k: v for k, v in arrays.items() if not k.startswith(prefix)}

    return read


@pytest.fixture(scope="session")
def tokenizer() -> WordPieceTokenizer:
    """Fewer entries than the golden word tables have rows."""
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    return WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
