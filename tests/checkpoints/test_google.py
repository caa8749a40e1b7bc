"""Google's checkpoints: files that TensorFlow wrote under Google's names, and all that can be
wrong with them."""

from __future__ import annotations

import json
import logging
import pathlib
from collections.abc import Callable
from typing import Any

import google_files
import numpy as np
import pytest

from keras_bert_zoo.bundle import load, trained_for
from keras_bert_zoo.checkpoints import casing, google, google_names
from keras_bert_zoo.checkpoints.tables import BERT
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig

NAME = "uncased_L-2_H-24_A-3"


@pytest.fixture
def write(tmp_path: pathlib.Path, tiny_config: EncoderConfig) -> Callable[..., pathlib.Path]:
    """Writes a checkpoint into a directory named as Google's are."""

    def write(head: str = "pretraining", labels: int = 2, **more: np.ndarray) -> pathlib.Path:
        arrays = google_files.random_arrays(tiny_config, head, labels)
        return google_files.write_files(tmp_path / NAME, tiny_config, {**arrays, **more})

    return write


def weights(model: Any) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in model.weights}


# === Names ===


@pytest.mark.parametrize("head", google_files.HEADS)
def test_names_are_those_of_the_published_graph(head: str, tiny_config: EncoderConfig) -> None:
    rows = BERT.rows(tiny_config, pooler=True, task=head)
    assert sorted(map(google_names.name_of, rows)) == sorted(google_files.shapes(tiny_config, head))


def test_every_row_has_a_name_of_its_own(tiny_config: EncoderConfig) -> None:
    rows = BERT.every_row(tiny_config)
    for name_of in (google_names.name_of, google_names.garden_name_of):
        assert len(set(map(name_of, rows))) == len(rows)


# === Reading ===


def test_every_weight_of_a_pretrained_checkpoint(
    write: Callable[..., pathlib.Path], tiny_config: EncoderConfig
) -> None:
    directory = write()
    found = weights(load(directory, task="pretraining", fresh_head=False).model)
    arrays = google_files.random_arrays(tiny_config)
    rows = {row.variable: row for row in BERT.rows(tiny_config, pooler=True, task="pretraining")}
    assert found.keys() == rows.keys()
    for path, values in found.items():
        theirs = arrays[google_names.name_of(rows[path])]
        # Kernels are laid out alike; only this one is stored as (classes, hidden).
        theirs = theirs.T if path == "seq_relationship/kernel" else theirs
        np.testing.assert_array_equal(values, theirs, path)
    assert load(directory).model.task is None


@pytest.mark.parametrize(
    ("head", "labels", "path"),
    [
        ("sequence_classification", 3, "classifier/kernel"),
        ("question_answering", 2, "qa_outputs/kernel"),
    ],
)
def test_fine_tuned_heads_are_found(
    head: str,
    labels: int,
    path: str,
    write: Callable[..., pathlib.Path],
    tiny_config: EncoderConfig,
) -> None:
    directory = write(head, labels)
    bundle = load(directory)
    assert bundle.model.task == trained_for(directory) == head
    arrays = google_files.random_arrays(tiny_config, head, labels)
    (stored,) = [values for name, values in arrays.items() if name.endswith("output_weights")]
    np.testing.assert_array_equal(weights(bundle.model)[path], stored.T)
    if head == "sequence_classification":
        assert load(directory, labels=["a", "b", "c"]).config.labels == ("a", "b", "c")


def test_what_optimizers_keep_is_left_unread(
    write: Callable[..., pathlib.Path], caplog: pytest.LogCaptureFixture
) -> None:
    name = "bert/pooler/dense/bias"
    slots = {f"{name}/adam_m": np.zeros(24, "f4"), f"{name}/adam_v": np.ones(24, "f4")}
    directory = write(global_step=np.array(7), **slots)
    with caplog.at_level(logging.INFO):
        assert "pooler_output" in load(directory).model.output
    for left in (*slots, "global_step"):
        assert f"Left unread: {left} (" in caplog.text


def test_other_tensors_are_not(write: Callable[..., pathlib.Path]) -> None:
    directory = write(**{"bert/encoder/layer_2/output/dense/bias": np.zeros(24, "f4")})
    with pytest.raises(CheckpointError, match="layer_2/output/dense/bias is left over"):
        load(directory)


def test_a_checkpoint_of_tensorflow_2(
    write: Callable[..., pathlib.Path], tiny_config: EncoderConfig, tmp_path: pathlib.Path
) -> None:
    """The Model Garden's: names in the description of the objects, an axis for the heads."""
    import tensorflow as tf

    directory = write()
    expected = weights(load(directory).model)
    tree = tf.Module()
    for row in BERT.rows(tiny_config, pooler=True, task=None):
        values, name = expected[row.variable], google_names.garden_name_of(row)
        if "self_attention/" in name:
            shapes = {"query": (24, 3, 8), "bias": (3, 8), "output": (3, 8, 24)}
            kind = "bias" if name.endswith("bias") else "query"
            kind = "output" if "attention_output" in name else kind
            values = values if name.endswith("output/bias") else values.reshape(shapes[kind])
        setattr(tree, name.replace("/", "_"), tf.Variable(values, name=name))
    for file in directory.glob("bert_model.*"):
        file.unlink()
    tf.train.Checkpoint(encoder=tree).save(directory / "bert_model.ckpt")
    found = weights(load(directory).model)
    assert found.keys() == expected.keys()
    for path, values in expected.items():
        np.testing.assert_array_equal(found[path], values, path)


# === Files ===


def test_several_checkpoints(
    write: Callable[..., pathlib.Path], tiny_config: EncoderConfig
) -> None:
    directory = write()
    arrays = google_files.random_arrays(tiny_config)
    arrays["bert/pooler/dense/bias"] = np.full(24, 7, "f4")
    google_files.write_variables(directory / "model.ckpt-9", arrays)
    google_files.write_variables(directory / "model.ckpt-10", arrays)
    with pytest.raises(ValueError, match=r"\['model.ckpt-9', 'model.ckpt-10', 'bert_model.ckpt'\]"):
        load(directory)
    bundle = load(directory / "model.ckpt-10")
    assert bundle.tokenizer is not None
    assert set(weights(bundle.model)["pooler/dense/bias"]) == {7}


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("bert_config.json", r"holds no bert_config.json. It holds \['vocab.txt'"),
        ("bert_model.ckpt.index", "no checkpoint of TensorFlow, such as bert_model.ckpt.index"),
    ],
)
def test_missing_files(missing: str, message: str, write: Callable[..., pathlib.Path]) -> None:
    directory = write()
    (directory / missing).unlink()
    with pytest.raises(FileNotFoundError, match=message):
        load(directory)


@pytest.mark.parametrize(
    ("file", "size"), [("index", 0), ("index", 900), ("data-00000-of-00001", 5000)]
)
def test_damaged_files(file: str, size: int, write: Callable[..., pathlib.Path]) -> None:
    path = write() / f"bert_model.ckpt.{file}"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match="cannot be read as a TensorFlow checkpoint"):
        load(path.parent)


def test_values_are_read_when_they_are_asked_for(write: Callable[..., pathlib.Path]) -> None:
    directory = write()
    (directory / "bert_model.ckpt.data-00000-of-00001").unlink()
    checkpoint = google.read(directory)
    assert checkpoint.tensors["embeddings.word_embeddings.weight"].shape == (61, 24)
    with pytest.raises(CheckpointError, match="No such file"):
        checkpoint.tensors["embeddings.word_embeddings.weight"].read()


# === The case of the tokenizer ===

LOWER, BOTH, NEITHER = ["[MASK]", "a", "##b"], ["[UNK]", "a", "B"], ["[CLS]", "天", "1"]


@pytest.mark.parametrize(
    ("name", "words", "lower", "sure"),
    [
        ("uncased_L-12_H-768_A-12", LOWER, True, True),
        ("wwm_uncased_L-24_H-1024_A-16", LOWER, True, True),
        ("cased_L-12_H-768_A-12", BOTH, False, True),
        ("multi_cased_L-12_H-768_A-12", BOTH, False, True),
        ("multilingual_L-12_H-768_A-12", LOWER, True, True),
        ("chinese_L-12_H-768_A-12", NEITHER, True, True),
        ("my_model", LOWER, True, True),
        ("my_model", BOTH, False, True),
        ("my_model", NEITHER, True, False),
        ("uncased_L-12_H-768_A-12", BOTH, True, False),
        ("cased_L-12_H-768_A-12", LOWER, False, False),
    ],
)
def test_case_by_name_and_vocabulary(
    name: str,
    words: list[str],
    lower: bool,
    sure: bool,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    assert casing.lower_case(tmp_path / name, tmp_path / "vocab.txt") == lower
    assert bool(caplog.text) != sure


def test_the_case_can_be_said(
    write: Callable[..., pathlib.Path], caplog: pytest.LogCaptureFixture
) -> None:
    directory = write()
    assert load(directory).tokenizer.options.do_lower_case
    directory = directory.rename(directory.parent / "cased")
    assert not load(directory).tokenizer.options.do_lower_case
    assert "pass do_lower_case" in caplog.text
    caplog.clear()
    assert load(directory, do_lower_case=True).tokenizer.options.do_lower_case
    assert "pass do_lower_case" not in caplog.text
    (directory / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    assert load(directory).tokenizer.options.do_lower_case
