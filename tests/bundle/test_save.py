"""Saving: what was saved is what is loaded, and what was there before is never lost."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import safetensors
from writers import CONFIGS, VOCAB, tiny_writer

from keras_bert_zoo.bundle import load, save
from keras_bert_zoo.models import BertEncoder

if TYPE_CHECKING:
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
TEXTS = ["the film was not very good", "a dull story"]


@pytest.fixture(scope="module")
def classifier() -> Any:
    return load(GOLDEN / "classifier").model


def same_weights(left: keras.Model, right: keras.Model) -> bool:
    pairs = zip(left.weights, right.weights, strict=True)
    return all(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs)


def test_round_trip(classifier: Any, tokenizer: WordPieceTokenizer, tmp_path: pathlib.Path) -> None:
    directory = save(classifier, tokenizer, tmp_path / "runs/today")
    bundle = load(directory)
    assert bundle.config.to_dict() == classifier.config.to_dict()
    assert same_weights(bundle.model, classifier)
    ids = [t(TEXTS, padding=True)["input_ids"].numpy() for t in (bundle.tokenizer, tokenizer)]
    np.testing.assert_array_equal(*ids)


@pytest.mark.parametrize("name", ["bert", "classifier"])
def test_tensors_are_those_of_transformers(name: str, tmp_path: pathlib.Path) -> None:
    save(load(GOLDEN / name).model, None, tmp_path)
    files = [
        safetensors.safe_open(directory / "model.safetensors", "numpy")
        for directory in (tmp_path, GOLDEN / name)
    ]
    ours, theirs = files
    assert ours.metadata() == theirs.metadata() == {"format": "pt"}
    assert sorted(ours.keys()) == sorted(theirs.keys())
    for key in theirs.keys():  # noqa: SIM118 - the file is not a dict
        np.testing.assert_array_equal(ours.get_tensor(key), theirs.get_tensor(key))


@pytest.mark.parametrize("name", ["bert", "classifier"])
def test_config_keeps_what_transformers_wrote(name: str, tmp_path: pathlib.Path) -> None:
    save(load(GOLDEN / name).model, None, tmp_path)
    ours, theirs = (
        json.loads((directory / "config.json").read_text())
        for directory in (tmp_path, GOLDEN / name)
    )
    assert ours.items() >= theirs.items()


def test_weights_keep_their_type(tmp_path: pathlib.Path) -> None:
    model = load(GOLDEN / "bert", dtype="bfloat16").model
    save(model, None, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    with safetensors.safe_open(tmp_path / "model.safetensors", "numpy") as file:
        assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"BF16"}  # noqa: SIM118
    assert same_weights(load(tmp_path, dtype="bfloat16").model, model)


def test_encoder_without_pooler(tiny_config: Any, tmp_path: pathlib.Path) -> None:
    model = BertEncoder(tiny_config, add_pooling_layer=False)
    save(model, None, tmp_path)
    assert same_weights(load(tmp_path).model, model)


# Keras' own: the variables it hands to h5py speak NumPy 1's protocol.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_model_rebuilt_by_keras_can_be_saved(classifier: Any, tmp_path: pathlib.Path) -> None:
    classifier.save(tmp_path / "model.keras")
    rebuilt = keras.saving.load_model(tmp_path / "model.keras")
    save(rebuilt, None, tmp_path / "bundle")
    assert same_weights(load(tmp_path / "bundle").model, classifier)


def test_card(classifier: Any, tmp_path: pathlib.Path) -> None:
    text = (save(classifier, None, tmp_path / "tweets") / "README.md").read_text()
    assert "# tweets" in text and "Classes: negative, neutral, positive" in text
    save(classifier, None, tmp_path / "tweets", overwrite=True, card="# Mine\n")
    assert (tmp_path / "tweets/README.md").read_text() == "# Mine\n"


def test_files_follow_the_umask(classifier: Any, tmp_path: pathlib.Path) -> None:
    before = os.umask(0o027)
    try:
        directory = save(classifier, None, tmp_path / "bundle")
    finally:
        os.umask(before)
    assert directory.stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o640}


# === Refused ===


def test_existing_directory(classifier: Any, tmp_path: pathlib.Path) -> None:
    save(classifier, None, tmp_path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save(classifier, None, tmp_path)
    save(classifier, None, tmp_path, overwrite=True)


def test_a_directory_with_other_files_is_not_replaced(
    classifier: Any, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"\['thesis.tex'\], which replacing"):
        save(classifier, None, tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_way(classifier: Any, tmp_path: pathlib.Path) -> None:
    (tmp_path / "bundle").write_text("text")
    with pytest.raises(FileExistsError, match="is a file"):
        save(classifier, None, tmp_path / "bundle", overwrite=True)
    with pytest.raises(OSError, match="could not be saved"):
        save(classifier, None, tmp_path / "bundle/inside")


def test_other_models(tmp_path: pathlib.Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(TypeError, match="received Sequential"):
        save(model, None, tmp_path)


def test_tokenizer_of_another_model(classifier: Any, tmp_path: pathlib.Path) -> None:
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(57))]
    with pytest.raises(ValueError, match="different checkpoints"):
        save(classifier, WordPieceTokenizer(words), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_tokenizer_larger_than_one_side_of_what_writes(side: str, tmp_path: pathlib.Path) -> None:
    """One side reads with its own table of words, the other writes with its own."""
    from keras_bert_zoo.tokenizers import WordPieceTokenizer

    short = {side: {**CONFIGS["encoder-decoder"][side], "vocab_size": VOCAB - 10}}
    model = tiny_writer("encoder-decoder", changes=short)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(VOCAB - 5))]
    message = rf"has {VOCAB} entries, but the word table of the model only {VOCAB - 10} rows"
    with pytest.raises(ValueError, match=message):
        save(model, WordPieceTokenizer(words), tmp_path / "bundle")
    directory = save(model, None, tmp_path / "bundle")
    WordPieceTokenizer(words).save(directory)
    with pytest.raises(ValueError, match=message):
        load(directory)


def test_arguments_of_another_type(classifier: Any, tmp_path: pathlib.Path) -> None:
    with pytest.raises(TypeError, match="tokenizer must be a Tokenizer or None"):
        save(classifier, "tokenizer", tmp_path / "bundle")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"received str.*save\(model, tokenizer, directory\)"):
        save("bundle", classifier, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="overwrite must be True or False, received 'no'"):
        save(classifier, None, tmp_path / "bundle", overwrite="no")  # type: ignore[arg-type]


# === Nothing is lost ===


def test_disk_full(classifier: Any, tmp_path: pathlib.Path) -> None:
    directory = save(classifier, None, tmp_path / "bundle")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="could not be saved"):
            save(classifier, None, directory, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable(classifier: Any, tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="could not be saved"):
        save(classifier, None, tmp_path / "bundle")


SAVE_FOR_EVER = """
import itertools, sys
from keras_bert_zoo.bundle import load, save

target, *sources = sys.argv[1:]
models = [load(source).model for source in sources]
for number, model in enumerate(itertools.cycle(models)):
    save(model, None, target, overwrite=True)
    print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_saves(classifier: Any, tmp_path: pathlib.Path) -> None:
    """A process that saves all the time is killed at five moments."""
    target = tmp_path / "bundle"
    other = shutil.copytree(GOLDEN / "classifier", tmp_path / "other")
    changed = load(other).model
    changed.weights[0].assign(changed.weights[0] + 1)
    shutil.rmtree(other)
    save(changed, None, other)
    command = [sys.executable, "-c", SAVE_FOR_EVER, target, GOLDEN / "classifier", other]
    for moment in (0.0, 0.011, 0.023, 0.037, 0.051):
        with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        model = load(target).model
        assert same_weights(model, classifier) or same_weights(model, changed)
    save(classifier, None, target, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "other"]
