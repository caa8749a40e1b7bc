"""A tiny bundle with a real tokenizer, exported once to every format."""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import string
from collections.abc import Callable
from typing import Any

import pytest

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export.artifact import Artifact
from keras_bert_zoo.export.conversion import export
from keras_bert_zoo.export.formats import FORMATS

LABELS = ("down", "flat", "up")
TEXTS = (
    "shares rise",
    "The quick brown fox jumps over the lazy dog, and the dog does not mind.",
    "Café prices fell; nobody knows why.",
    "up",
    "rise rise rise fall fall fall",
    "no change at all in the price of the fox",
)
# For formats that find scales on texts: the words in other orders.
MANY = Examples([f"{a} {b}" for a in TEXTS for b in TEXTS])
VOCABULARY = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *string.ascii_lowercase,
    *(f"##{letter}" for letter in string.ascii_lowercase),
    *("the", "fox", "dog", "rise", "fall", "up", "price", "shares", "no", "of", ".", ",", ";"),
)


@pytest.fixture(scope="session")
def texts() -> tuple[str, ...]:
    """Short and longer ones, with accents and punctuation."""
    return TEXTS


@pytest.fixture(scope="session")
def many() -> Examples:
    """More of the same texts."""
    return MANY


@pytest.fixture(scope="session")
def make_bundle(tiny_config: Any, randomise: Callable[[Any], Any]) -> Callable[..., pathlib.Path]:
    """Saves a tiny bundle with random weights and returns its directory."""
    from keras_bert_zoo.bundle import save
    from keras_bert_zoo.models import BertEncoder, SequenceClassifier
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    def make(
        directory: pathlib.Path,
        *,
        problem_type: str | None = "single_label_classification",
        seed: int = 7,
        tokenizer: bool = True,
    ) -> pathlib.Path:
        config = tiny_config.replace(vocab_size=len(VOCABULARY), max_position_embeddings=80)
        if problem_type:
            labels = dict(enumerate(LABELS))
            config = config.replace(problem_type=problem_type, id2label=labels)
        model: Any = BertEncoder(config)
        if problem_type:
            model = SequenceClassifier(model)
        words = WordPieceTokenizer(VOCABULARY) if tokenizer else None
        return save(randomise(model, seed), words, directory)

    return make


@pytest.fixture(scope="session")
def bundle(
    make_bundle: Callable[..., pathlib.Path], tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A three-class classifier."""
    return make_bundle(tmp_path_factory.mktemp("bundles") / "classifier")


@pytest.fixture(scope="session")
def artifacts(
    bundle: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Artifact]:
    """The classifier in every format, exported once for all processes of pytest-xdist."""
    own = tmp_path_factory.getbasetemp()
    # Theirs lie beside one another.
    common = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "exports"
    common.mkdir(exist_ok=True)
    with (common / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (common / "done").exists():
            export(bundle, common / "all", FORMATS, examples=MANY, progress=False)
            (common / "done").touch()
    # A copy for each: verifying writes into the manifests.
    output = shutil.copytree(common / "all", tmp_path_factory.mktemp("exports") / "all")
    return {name: Artifact.load(output / name) for name in FORMATS}


@pytest.fixture(scope="session")
def keras_bundle(bundle: pathlib.Path) -> Any:
    """The classifier, loaded."""
    import keras_bert_zoo

    return keras_bert_zoo.load(bundle)


@pytest.fixture(scope="session")
def encode(keras_bundle: Any) -> Callable[..., dict[str, Any]]:
    """Texts to arrays, optionally of a fixed length."""

    def encoded(texts: tuple[str, ...], length: int | None = None) -> dict[str, Any]:
        batch = keras_bundle.tokenizer(
            list(texts),
            truncation=True,
            max_length=length or 80,
            padding="max_length" if length else True,
        )
        return {name: tensor.numpy() for name, tensor in batch.items()}

    return encoded
