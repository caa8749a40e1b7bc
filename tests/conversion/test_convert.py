"""From any format to any other: the same bits, the same answers."""

from __future__ import annotations

import json
import logging
import pathlib
import shutil
import weakref
import zipfile
from collections.abc import Callable
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
from architectures import tiny

from keras_bert_zoo.bundle import load, save
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.tables import ARCHITECTURES
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.cli import main
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.conversion import convert, write_google
from keras_bert_zoo.conversion.targets import TARGETS
from keras_bert_zoo.models import (
    BertEncoder,
    MultipleChoice,
    PretrainingModel,
    QuestionAnswerer,
    SentenceEmbedder,
    SequenceClassifier,
    TokenClassifier,
    encoder_of,
)
from keras_bert_zoo.tokenizers import WordPieceTokenizer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
LABELS = {0: "no", 1: "maybe", 2: "yes"}

MODELS: dict[str, Callable[[EncoderConfig], keras.Model]] = {
    "encoder": BertEncoder,
    "without pooler": lambda config: BertEncoder(config, add_pooling_layer=False),
    "pretraining": lambda config: PretrainingModel(BertEncoder(config)),
    "masked words": lambda config: PretrainingModel(
        BertEncoder(config, add_pooling_layer=False), next_sentence=False
    ),
    "classifier": lambda config: SequenceClassifier(
        BertEncoder(config),
        config.replace(id2label=LABELS, problem_type="single_label_classification"),
    ),
    "tagger with a CRF": lambda config: TokenClassifier(
        BertEncoder(config, add_pooling_layer=False), config.replace(id2label=LABELS), crf=True
    ),
    "answers": lambda config: QuestionAnswerer(BertEncoder(config, add_pooling_layer=False)),
    "choices": lambda config: MultipleChoice(BertEncoder(config)),
}


def weights(model: Any) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in model.weights}


def assert_same_weights(left: Any, right: Any) -> None:
    ours, theirs = weights(left), weights(right)
    assert ours.keys() == theirs.keys()
    for path, values in ours.items():
        np.testing.assert_array_equal(values, theirs[path], path)


# === Round trips ===


@pytest.mark.parametrize("kind", MODELS)
def test_google_and_back(
    kind: str,
    tiny_config: EncoderConfig,
    randomise: Callable[[Any], Any],
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
) -> None:
    model = randomise(MODELS[kind](tiny_config))
    bundle = load(write_google(model, tokenizer, tmp_path / "google"), task=model.task)
    assert_same_weights(bundle.model, model)
    assert bundle.config.to_dict().items() >= model.config.to_dict().items()
    assert bundle.tokenizer.options == tokenizer.options
    assert bundle.tokenizer.vocabulary == tokenizer.vocabulary


def test_any_to_any(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Each format from each but those of the types below, and back to the first files."""
    source = pretrained
    for step, to in enumerate(("hf", "keras", "google", "google", "keras", "hf")):
        done = convert(source, tmp_path / f"{step}-{to}", to)
        assert {each.inputs for each in done.differences} == {"random", "real"}
        assert {each.difference for each in done.differences} == {0}
        source = done.directory
    for name in ("model.safetensors", "tokenizer.json", "vocab.txt"):
        assert (source / name).read_bytes() == (pretrained / name).read_bytes()
    config, before = (json.loads((at / "config.json").read_text()) for at in (source, pretrained))
    assert config == before


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * (kind != "albert"))
        for kind in sorted(ARCHITECTURES.keys() - {"bert"})
    ],
)
def test_relatives_of_bert(
    kind: str, randomise: Callable[[Any], Any], tmp_path: pathlib.Path
) -> None:
    encoder = encoder_of(tiny(kind), add_pooling_layer=False)
    model = PretrainingModel(encoder, next_sentence=False)
    source = save(randomise(model), None, tmp_path / "bundle")
    keras_directory = convert(source, tmp_path / "keras", "keras").directory
    back = convert(keras_directory, tmp_path / "back", "hf")
    assert {each.inputs for each in back.differences} == {"random"}
    for name in ("model.safetensors", "config.json"):
        assert (back.directory / name).read_bytes() == (source / name).read_bytes()
    with pytest.raises(ValueError, match=f"model_type must be 'bert', received '{kind}'"):
        convert(source, tmp_path / "google", "google")


def test_keras_files_that_keras_did_not_write(tmp_path: pathlib.Path) -> None:
    code = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)])
    code.save(tmp_path / "code.keras")
    for name, member, content in (
        ("outside", "../../outside.txt", b"x"),
        ("growing", "config.json", bytes(10**7)),
        ("empty", "config.json", b"{}"),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.keras", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
    for name, message in {
        "code": "Keras does not load .* Python lambda",
        "outside": r"holds '\.\./\.\./outside.txt', which is refused",
        "growing": "would become 10,000,000, which is refused",
        "empty": "Keras does not load",
    }.items():
        with pytest.raises(CheckpointError, match=message):
            convert(tmp_path / f"{name}.keras", tmp_path / "out", "hf")
    assert not (tmp_path / "out").exists() and not (tmp_path.parent / "outside.txt").exists()


def test_keras_files(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    directory = convert(pretrained, tmp_path / "keras", "keras").directory
    expected = load(pretrained, task="pretraining").model
    assert_same_weights(keras.saving.load_model(directory / "model.keras"), expected)
    for path in (directory, directory / "model.keras"):
        with pytest.raises(FileNotFoundError, match=r"convert .*model.keras DIRECTORY --to hf"):
            load(path)
    again = convert(directory / "model.keras", tmp_path / "again", "hf", verify=False).directory
    assert_same_weights(load(again, task="pretraining").model, expected)
    with pytest.raises(ValueError, match="keeps the dtype it was saved with"):
        convert(directory, tmp_path / "rounded", "keras", dtype="float16")
    (directory / "model.keras").write_bytes(b"no archive")
    with pytest.raises(CheckpointError, match=r"model.keras is damaged"):
        convert(directory, tmp_path / "again", "hf", overwrite=True)


def test_files_of_weights(pretrained: pathlib.Path, randomise, tmp_path: pathlib.Path) -> None:
    model = randomise(load(pretrained, task="pretraining").model)
    beside = shutil.copytree(pretrained, tmp_path / "run")
    model.save_weights(beside / "epoch-3.weights.h5")
    with pytest.raises(FileNotFoundError, match=r"model\.load_weights.*convert .*--to hf"):
        load(beside / "epoch-3.weights.h5")
    done = convert(beside / "epoch-3.weights.h5", tmp_path / "converted", "hf")
    assert_same_weights(load(done.directory, task="pretraining").model, model)
    assert done.differences and load(done.directory).tokenizer is not None
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(beside / "epoch-3.weights.h5", alone)
    with pytest.raises(FileNotFoundError, match=r"numbers alone\. Put a checkpoint of"):
        convert(alone / "epoch-3.weights.h5", tmp_path / "never", "hf")
    encoder = load(pretrained).model
    encoder.save_weights(beside / "other.weights.h5")
    with pytest.raises(
        CheckpointError, match=r"other\.weights\.h5 does not fit the PretrainingModel"
    ):
        convert(beside / "other.weights.h5", tmp_path / "never", "hf")
    whole = (beside / "other.weights.h5").read_bytes()
    (beside / "half.weights.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        CheckpointError, match=r"half\.weights\.h5 \(.* is not a complete HDF5 file"
    ):
        convert(beside / "half.weights.h5", tmp_path / "never", "hf")


def test_google_files_have_the_layout_of_tensorflow_1(
    pretrained: pathlib.Path, tiny_config: EncoderConfig, tmp_path: pathlib.Path
) -> None:
    import google_files
    import tensorflow as tf

    directory = convert(pretrained, tmp_path / "google", "google").directory
    found = dict(tf.train.list_variables(str(directory / "bert_model.ckpt")))
    assert {name: tuple(shape) for name, shape in found.items()} == google_files.shapes(tiny_config)
    config = json.loads((directory / "bert_config.json").read_text())
    assert "model_type" not in config and config["hidden_size"] == 24
    names = {path.name for path in directory.iterdir()}
    assert {"bert_model.ckpt.index", "bert_model.ckpt.data-00000-of-00001", "vocab.txt"} <= names


# === Types ===


@pytest.mark.parametrize(
    ("dtype", "to"),
    [
        ("float16", "hf"),
        ("bfloat16", "google"),
        ("bfloat16", "keras"),
        pytest.param("bfloat16", "hf", marks=pytest.mark.slow),
        pytest.param("float16", "google", marks=pytest.mark.slow),
        pytest.param("float16", "keras", marks=pytest.mark.slow),
    ],
)
def test_rounded_weights(
    dtype: str, to: str, pretrained: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    done = convert(pretrained, tmp_path / "rounded", to, dtype=dtype)
    assert any(each.difference > 0 for each in done.differences)
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float16
    exact = weights(load(pretrained, task="pretraining").model)
    written = TARGETS[to].load(done.directory, "pretraining")
    for path, values in weights(written).items():
        np.testing.assert_array_equal(values.astype(kind), exact[path].astype(kind), path)
    if to != "keras":
        stored = layout_of(done.directory).read(done.directory).tensors.values()
        assert {tensor.dtype for tensor in stored} == {np.dtype(kind)}


def test_stored_types_are_kept(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    half = convert(pretrained, tmp_path / "half", "hf", dtype="bfloat16").directory
    google = convert(half, tmp_path / "google", "google").directory
    back = convert(google, tmp_path / "back", "hf").directory
    name = "model.safetensors"
    assert (back / name).read_bytes() == (half / name).read_bytes()
    assert json.loads((back / "config.json").read_text())["dtype"] == "bfloat16"


# === What is said ===


def test_the_manifest(pretrained: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = shutil.copytree(pretrained, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    words = tensors["bert.embeddings.word_embeddings.weight"]
    copied = {"cls.predictions.decoder.weight": words}
    positions = {"bert.embeddings.position_ids": np.arange(20)[None]}
    safetensors.numpy.save_file({**tensors, **copied, **positions}, source / "model.safetensors")
    seen: list[tuple[int, int]] = []
    done = convert(
        source, tmp_path / "google", "google", report=lambda *counts: seen.append(counts)
    )
    manifest = json.loads((done.directory / "conversion.json").read_text())
    assert manifest["source"] == str(source)
    assert (manifest["layout"], manifest["target"], manifest["dtype"]) == ("hf", "google", None)
    assert len(manifest["tensors"]) == len(tensors)
    assert {
        "source": "bert.encoder.layer.1.output.dense.weight",
        "target": "bert/encoder/layer_1/output/dense/kernel",
        "shape": [24, 40],
        "from": "float32",
        "to": "float32",
    } in manifest["tensors"]
    assert (
        manifest["skipped"]
        == done.skipped
        == {
            "bert.embeddings.position_ids": "a buffer that counts 0, 1, 2, …",
            "cls.predictions.decoder.weight": "a copy of embeddings.word_embeddings.weight",
        }
    )
    assert {each["output"] for each in manifest["differences"]} == {
        "prediction_logits",
        "seq_relationship_logits",
    }
    assert seen[-1][0] == seen[-1][1] == sum(values.nbytes for values in tensors.values())
    assert len(seen) == len(tensors)


def test_modules_of_sentence_transformers(
    tiny_config: EncoderConfig,
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "keras_bert_zoo.conversion")
    model = SentenceEmbedder(BertEncoder(tiny_config), pooling=["cls"], normalize=True)
    source = save(model, tokenizer, tmp_path / "source")
    kept = convert(source, tmp_path / "hf", "hf")
    assert load(kept.directory, task="sentence_embedding").model.head == model.head
    assert "Left behind" not in caplog.text
    lost = convert(source, tmp_path / "google", "google", verify=False)
    assert "Left behind: modules.json" in caplog.text
    assert (kept.skipped.keys(), lost.skipped.keys()) == (set(), {"modules.json"})


def test_weights_that_the_task_does_not_use(
    tiny_config: EncoderConfig, tmp_path: pathlib.Path
) -> None:
    """Files keep the pooler of a tagger, models of Keras do not have it."""
    source = save(MODELS["tagger with a CRF"](tiny_config), None, tmp_path / "source")
    tensors = safetensors.numpy.load_file(source / "model.safetensors")
    pooler = {
        "bert.pooler.dense.weight": np.ones((24, 24), "f4"),
        "bert.pooler.dense.bias": np.ones(24, "f4"),
    }
    safetensors.numpy.save_file({**tensors, **pooler}, source / "model.safetensors")
    assert not convert(source, tmp_path / "google", "google", verify=False).skipped
    done = convert(source, tmp_path / "keras", "keras")
    assert done.skipped == dict.fromkeys(pooler, "no part of a model for token_classification")


def test_the_command(
    pretrained: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["convert", str(pretrained), str(tmp_path / "google"), "--to", "google"]
    assert main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "100%" in said and "46 tensors" in said
    assert "prediction_logits of real inputs: 0.00e+00 apart" in said
    assert main(words) == 2
    assert "Pass overwrite=True (--overwrite)" in capsys.readouterr().err
    words[-1] = "Google"
    assert main([*words, "--overwrite", "--verify", "false", "--dtype", "FLOAT16"]) == 0
    assert "apart" not in capsys.readouterr().out
    assert main([*words[:3], "--to", "onnx"]) == 2
    assert (
        "to must be one of ['hf', 'google', 'keras', 'keras-hub'], received 'onnx'"
        in capsys.readouterr().err
    )


# === Memory ===


@pytest.mark.parametrize(("source", "to"), [("hf", "google"), ("hf", "keras"), ("keras", "hf")])
def test_a_comparison_holds_one_model(
    source: str, to: str, pretrained: pathlib.Path, tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """When a model is made, none of the ones before is left."""
    if source == "keras":
        convert(pretrained, tmp_path / "keras", "keras", verify=False)
    made: list[weakref.ref[keras.Model]] = []
    left: list[int] = []
    make = PretrainingModel.__init__

    def recorded(model: PretrainingModel, *args: Any, **kwargs: Any) -> None:
        left.append(sum(each() is not None for each in made))
        made.append(weakref.ref(model))
        make(model, *args, **kwargs)

    monkeypatch.setattr(PretrainingModel, "__init__", recorded)
    convert(tmp_path / "keras" if source == "keras" else pretrained, tmp_path / "out", to)
    assert len(left) >= 2
    assert not any(left)
