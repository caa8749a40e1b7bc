"""What presets say besides weights, and what is damaged in them: of BERT's, as of every other."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from huggingface_hub.utils import filter_repo_objects
from presets import assert_close, edit

from keras_bert_zoo.bundle import config_of, load, trained_for
from keras_bert_zoo.checkpoints import sources
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.cli import main
from keras_bert_zoo.config import ConfigError
from keras_bert_zoo.models import BertEncoder
from keras_bert_zoo.tasks.calibration import calibrate

Make = Callable[[str], pathlib.Path]
OLD = pathlib.Path(__file__).parents[2] / "golden/keras_nlp"


@pytest.mark.usefixtures("no_keras_hub")
def test_what_is_said_of_a_classifier(written: pathlib.Path) -> None:
    directory = written / "classifier"
    bundle = load(directory)
    assert layout_of(directory).name == "keras-hub"
    assert bundle.config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert (bundle.config.classifier_dropout, bundle.config.hidden_dropout_prob) == (0.3, 0.1)
    assert (bundle.config.hidden_act, bundle.config.layer_norm_eps) == ("gelu_new", 1e-12)
    assert bundle.tokenizer.model_max_length == 18
    assert load(directory, labels=["a", "b", "c"]).config.labels == ("a", "b", "c")


@pytest.mark.usefixtures("no_keras_hub")
def test_what_is_said_of_an_embedder(written: pathlib.Path) -> None:
    task = trained_for(written / "embedder")
    model = load(written / "embedder", task=task).model
    assert model.head["max_seq_length"] == 16 and not model.head["normalize"]
    assert isinstance(load(written / "embedder").model, BertEncoder)


def test_a_head_of_an_unknown_class(copy: Make, caplog: pytest.LogCaptureFixture) -> None:
    directory = copy("classifier")
    path = directory / "task.json"
    path.write_text(path.read_text().replace("BertTextClassifier", "BertGuesser"))
    assert isinstance(load(directory).model, BertEncoder)
    assert "no task is like BertGuesser" in caplog.text


def test_a_preset_of_an_old_release() -> None:
    """Written by keras-nlp 0.7.0 with Keras 3.0.5."""
    arrays = dict(np.load(OLD / "outputs.npz"))
    bundle = load(OLD)
    ids = arrays["token_ids"]
    inputs = {"input_ids": ids, "attention_mask": ids > 0, "token_type_ids": ids % 2}
    outputs = bundle.model(inputs)
    assert_close(outputs["last_hidden_state"], arrays["sequence_output"])
    assert_close(outputs["pooler_output"], arrays["pooled_output"])
    assert bundle.tokenizer.options.do_lower_case


@pytest.fixture
def sharded(live: dict[str, Any], tmp_path: pathlib.Path) -> pathlib.Path:
    directory = tmp_path / "sharded"
    live["backbone"].save_to_preset(str(directory), max_shard_size=1.2e-5)
    assert not (directory / "model.weights.h5").exists()
    assert len(list(directory.glob("model_*.weights.h5"))) > 2
    return directory


def test_shards(sharded: pathlib.Path, written: pathlib.Path) -> None:
    ours, whole = load(sharded).model.weights, load(written / "backbone").model.weights
    for one, other in zip(ours, whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_missing_shard(sharded: pathlib.Path) -> None:
    (sharded / "model_00001.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"names \['model_00001.weights.h5'\], which"):
        load(sharded)
    (sharded / "model.weights.json").write_text('{"weight_map": [1]}')
    with pytest.raises(CheckpointError, match="not an index of shards"):
        load(sharded)
    (sharded / "model.weights.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither model.weights.h5 nor model.weights.json"):
        load(sharded)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"num_heads": None}, ConfigError, r"lacks \['num_heads'\]"),
        ({"dropout": 2.0}, ConfigError, r"hidden_dropout_prob must be"),
        ({"num_layers": 1}, CheckpointError, r"transformer_encoder_1/.* is left over"),
        ({"num_segments": 0}, CheckpointError, r"embedding/vars/0 is left over"),
        ({"num_heads": 2}, CheckpointError, r"query.weight has shape .*\(24, 3, 8\)"),
        ({"vocabulary_size": 62}, CheckpointError, r"has shape \(61, 24\), expected \(62, 24\)"),
    ],
)
def test_config_and_weights_of_two_models(
    changes: dict[str, Any], error: type[Exception], message: str, copy: Make
) -> None:
    directory = copy("backbone")
    edit(directory / "config.json", **changes)
    with pytest.raises(error, match=message):
        load(directory)


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("config.json", '{"registered_name": "x"}', ConfigError, "not what Keras writes"),
        (
            "config.json",
            '{"registered_name": "x", "class_name": "GemmaBackbone", "config": {}}',
            CheckpointError,
            r"'GemmaBackbone'; read are \['AlbertBackbone', ",
        ),
        ("task.json", "{", ConfigError, "task.json is not what Keras writes"),
        ("task.json", '{"class_name": 1, "config": {}}', ConfigError, "must name a class"),
    ],
)
def test_damaged_objects(
    name: str, text: str, error: type[Exception], message: str, copy: Make
) -> None:
    directory = copy("classifier")
    (directory / name).write_text(text)
    with pytest.raises(error, match=message):
        load(directory)


def test_no_weights_of_the_head(copy: Make) -> None:
    directory = copy("classifier")
    (directory / "task.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"neither task.weights.h5 nor"):
        load(directory)


def test_a_temperature_has_no_place(written: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="which has no place for a temperature"):
        calibrate(written / "classifier", "texts.csv")


def test_every_file_is_fetched_from_a_hub(written: pathlib.Path, sharded: pathlib.Path) -> None:
    patterns = [*sources.TOKENIZER_FILES, *sources._PRESET, *sources._WEIGHTS, "config.json"]
    for directory in (written / "classifier", sharded):
        files = [path for path in directory.rglob("*") if path.is_file()]
        names = {path.relative_to(directory).as_posix() for path in files}
        fetched = set(filter_repo_objects(names, allow_patterns=patterns))
        assert names - fetched == {"metadata.json"}


def test_repetitions_that_ours_lacks(tmp_path: pathlib.Path) -> None:
    from keras_hub.models import AlbertBackbone

    sizes = {"vocabulary_size": 9, "num_layers": 2, "num_heads": 1, "embedding_dim": 4}
    backbone = AlbertBackbone(
        **sizes, hidden_dim=8, intermediate_dim=8, num_groups=1, num_inner_repetitions=2
    )
    backbone.save_to_preset(str(tmp_path))
    with pytest.raises(ConfigError, match="num_inner_repetitions must be 1, received 2"):
        load(tmp_path)


def test_commands_read_presets(written: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert config_of(written / "classifier").num_labels == 3
    assert main(["info", str(written / "classifier")]) == 0
    said = capsys.readouterr().out
    assert "sequence_classification" in said and "41 tensors" in said
