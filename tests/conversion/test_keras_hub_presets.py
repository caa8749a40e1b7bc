"""Presets of keras-hub: what it writes is read without it, what is written it loads."""

from __future__ import annotations

import json
import logging
import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from architectures import batch, tiny
from huggingface_hub.utils import filter_repo_objects

from keras_bert_zoo.bundle import config_of, load, save, trained_for
from keras_bert_zoo.checkpoints import keras_hub_tables, sources, tables
from keras_bert_zoo.checkpoints.keras_hub_presets import read
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.cli import main
from keras_bert_zoo.config import ConfigError, EncoderConfig
from keras_bert_zoo.conversion import convert, write_keras_hub
from keras_bert_zoo.models import (
    BertEncoder,
    PretrainingModel,
    QuestionAnswerer,
    SentenceEmbedder,
    SequenceClassifier,
)
from keras_bert_zoo.models.trained_parts import add_lora
from keras_bert_zoo.tasks.calibration import calibrate
from keras_bert_zoo.tokenizers import WordPieceTokenizer

Batch = dict[str, np.ndarray]
Make = Callable[[str], pathlib.Path]
OLD = pathlib.Path(__file__).parents[1] / "golden/keras_nlp"
TEXTS = ["The film was not good.", "a very dull story, dulls", "Thé [MASK] film"]
NAMES = {
    "input_ids": "token_ids",
    "attention_mask": "padding_mask",
    "token_type_ids": "segment_ids",
}


def theirs(batch: Batch) -> Batch:
    return {NAMES[name]: values for name, values in batch.items()}


def assert_close(ours: Any, other: Any) -> None:
    np.testing.assert_allclose(np.array(ours), np.array(other), rtol=0, atol=1e-5)


def edit(path: pathlib.Path, **changes: Any) -> None:
    """Changes arguments of a serialised object; ``None`` removes one."""
    values = json.loads(path.read_text())
    values["config"] = {
        key: value for key, value in {**values["config"], **changes}.items() if value is not None
    }
    path.write_text(json.dumps(values))


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
        "classifier": models.BertTextClassifier(backbone, 3, classify, dropout=0.3),
        "softmax": models.BertTextClassifier(backbone, 3, classify, activation="softmax"),
        "masked_lm": models.BertMaskedLM(backbone),
        "embedder": models.BertTextEmbedder(backbone, embed, "max", normalize=False),
    }
    for model in found.values():
        randomise(model)
    return {"backbone": backbone, **found}


@pytest.fixture(scope="module")
def written(live: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The presets of these models, each in a directory of its name."""
    directory = tmp_path_factory.mktemp("presets")
    for name, model in live.items():
        model.save_to_preset(str(directory / name))
    return directory


@pytest.fixture
def copy(written: pathlib.Path, tmp_path: pathlib.Path) -> Make:
    """Copies a preset to where a test may damage it."""
    return lambda name: pathlib.Path(shutil.copytree(written / name, tmp_path / name))


# === Reading ===


@pytest.fixture
def no_keras_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it fails."""
    monkeypatch.setitem(sys.modules, "keras_hub", None)


@pytest.mark.usefixtures("no_keras_hub")
def test_a_backbone(
    written: pathlib.Path, live: dict[str, Any], make_batch: Callable[..., Batch]
) -> None:
    bundle, batch = load(written / "backbone"), make_batch()
    assert isinstance(bundle.model, BertEncoder) and bundle.tokenizer is None
    assert bundle.config.hidden_act == "gelu_new" and bundle.config.layer_norm_eps == 1e-12
    outputs, expected = bundle.model(batch), live["backbone"](theirs(batch))
    assert_close(outputs["last_hidden_state"], expected["sequence_output"])
    assert_close(outputs["pooler_output"], expected["pooled_output"])


@pytest.mark.usefixtures("no_keras_hub")
def test_a_classifier(
    written: pathlib.Path, live: dict[str, Any], make_batch: Callable[..., Batch]
) -> None:
    directory, batch = written / "classifier", make_batch()
    bundle = load(directory)
    assert isinstance(bundle.model, SequenceClassifier)
    assert bundle.config.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert (bundle.config.classifier_dropout, bundle.config.hidden_dropout_prob) == (0.3, 0.1)
    assert bundle.tokenizer.model_max_length == 18
    assert_close(bundle.model(batch)["logits"], live["classifier"](theirs(batch)))
    assert load(directory, labels=["a", "b", "c"]).config.labels == ("a", "b", "c")
    assert trained_for(directory) == "sequence_classification"


@pytest.mark.usefixtures("no_keras_hub")
def test_an_embedder(
    written: pathlib.Path, live: dict[str, Any], make_batch: Callable[..., Batch]
) -> None:
    directory, batch = written / "embedder", make_batch()
    task = trained_for(directory)
    assert task == "sentence_embedding"
    model = load(directory, task=task).model
    assert model.head["max_seq_length"] == 16 and not model.head["normalize"]
    assert_close(model(batch)["sentence_embedding"], live["embedder"](theirs(batch)))
    assert isinstance(load(directory).model, BertEncoder)


@pytest.mark.parametrize(
    ("name", "task", "message"),
    [
        ("masked_lm", "masked_lm", "exact GELU and a layer_norm_eps of 1e-5"),
        ("softmax", "sequence_classification", "activation 'softmax' where ours returns logits"),
    ],
)
def test_a_head_that_computes_something_else(
    name: str, task: str, message: str, written: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(load(written / name).model, BertEncoder)
    assert message in caplog.text
    assert trained_for(written / name) is None
    with pytest.raises(ValueError, match=r"no trained head|no head for task"):
        load(written / name, task=task, fresh_head=False)


@pytest.mark.parametrize("task", [None, "sequence_classification"])
def test_distilbert_both_ways(
    task: str | None,
    randomise: Callable[[Any], Any],
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
) -> None:
    from keras_hub import models

    config = tiny("distilbert", id2label=dict(enumerate("abc")))
    rows = batch(config)
    encoder = BertEncoder(config, add_pooling_layer=False)
    model = randomise(SequenceClassifier(encoder) if task else encoder)
    directory = write_keras_hub(model, tokenizer, tmp_path / "preset")
    kind = models.TextClassifier if task else models.Backbone
    written = kind.from_preset(str(directory))
    inputs = theirs(rows)
    name = "logits" if task else "last_hidden_state"
    assert_close(model(rows)[name], written(inputs))
    words = models.DistilBertTokenizer.from_preset(str(directory))
    assert same_ids(tokenizer, words)
    randomise(written).save_to_preset(str(tmp_path / "theirs"))
    bundle = load(tmp_path / "theirs")
    assert bundle.model.task == task
    assert_close(bundle.model(rows)[name], written(inputs))
    with pytest.raises(TypeError, match="keras-hub has no DistilBertTextEmbedder"):
        write_keras_hub(SentenceEmbedder(encoder), None, tmp_path / "embedder")


def test_a_head_of_an_unknown_class(copy: Make, caplog: pytest.LogCaptureFixture) -> None:
    directory = copy("classifier")
    path = directory / "task.json"
    path.write_text(path.read_text().replace("BertTextClassifier", "BertGuesser"))
    assert isinstance(load(directory).model, BertEncoder)
    assert "no task is like BertGuesser" in caplog.text


@pytest.mark.parametrize("task", [None, "sequence_classification"])
def test_the_table_names_every_variable(
    task: str | None, live: dict[str, Any], written: pathlib.Path
) -> None:
    name = "classifier" if task else "backbone"
    config = load(written / name).config
    rows = tables.BERT.rows(config, pooler=True, task=task)
    addresses = list(keras_hub_tables.BERT.addresses([r.variable for r in rows], 2).values())
    assert {each.live for each in addresses} == {each.path for each in live[name].weights}
    assert layout_of(written / name).name == "keras-hub"
    found = read(written / name)
    assert found.tensors.keys() == {row.tensor for row in rows}
    assert set(found.names.values()) == {each.stored for each in addresses}


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
            r"'GemmaBackbone'; read are \['BertBackbone', ",
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


# === Writing ===


@pytest.fixture
def config(tiny_config: EncoderConfig) -> EncoderConfig:
    return tiny_config.replace(hidden_act="gelu_new")


def same_ids(tokenizer: WordPieceTokenizer, other: Any) -> bool:
    ids = tokenizer(TEXTS, add_special_tokens=False)["input_ids"].to_list()
    return ids == [np.array(other(text)).tolist() for text in TEXTS]


def test_an_encoder_becomes_a_backbone(
    config: EncoderConfig,
    randomise: Callable[[Any], Any],
    make_batch: Callable[..., Batch],
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
) -> None:
    import keras_hub

    model, batch = randomise(BertEncoder(config)), make_batch()
    directory = write_keras_hub(model, tokenizer, tmp_path / "preset")
    backbone = keras_hub.models.Backbone.from_preset(str(directory))
    outputs, ours = backbone(theirs(batch)), model(batch)
    assert_close(ours["last_hidden_state"], outputs["sequence_output"])
    assert_close(ours["pooler_output"], outputs["pooled_output"])
    assert same_ids(tokenizer, keras_hub.tokenizers.BertTokenizer.from_preset(str(directory)))
    back = load(directory)
    for one, other in zip(back.model.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert back.tokenizer.vocabulary == tokenizer.vocabulary
    assert back.tokenizer.model_max_length == config.max_position_embeddings


def test_a_classifier_becomes_a_text_classifier(
    config: EncoderConfig,
    randomise: Callable[[Any], Any],
    make_batch: Callable[..., Batch],
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
) -> None:
    import keras_hub

    encoder = BertEncoder(config)
    add_lora(encoder, 2)
    labels = config.replace(id2label={0: "bad", 1: "good"}, classifier_dropout=0.25)
    model, batch = randomise(SequenceClassifier(encoder, labels)), make_batch()
    directory = write_keras_hub(model, tokenizer, tmp_path / "preset")
    classifier = keras_hub.models.TextClassifier.from_preset(str(directory))
    assert_close(model(batch)["logits"], classifier(theirs(batch)))
    assert classifier.dropout == 0.25 and classifier.preprocessor.sequence_length == 20
    texts = tokenizer(TEXTS, padding="max_length", max_length=20)
    assert_close(model(texts)["logits"], classifier.predict(TEXTS, verbose=0))
    back = load(directory, labels=["bad", "good"])
    assert_close(model(batch)["logits"], back.model(batch)["logits"])


@pytest.mark.parametrize(("pooling", "normalize"), [("mean", True), ("cls", False), ("max", True)])
def test_an_embedder_becomes_a_text_embedder(
    pooling: str,
    normalize: bool,
    config: EncoderConfig,
    randomise: Callable[[Any], Any],
    make_batch: Callable[..., Batch],
    tmp_path: pathlib.Path,
) -> None:
    import keras_hub

    encoder = BertEncoder(config, add_pooling_layer=False)
    model = randomise(SentenceEmbedder(encoder, pooling=pooling, normalize=normalize))
    batch, directory = make_batch(), write_keras_hub(model, None, tmp_path / "preset")
    embedder = keras_hub.models.BertTextEmbedder.from_preset(str(directory), preprocessor=None)
    vectors = model(batch)["sentence_embedding"]
    assert_close(vectors, embedder(theirs(batch)))
    back = load(directory, task="sentence_embedding").model
    assert_close(vectors, back(batch)["sentence_embedding"])
    assert (back.head["pooling"], back.head["normalize"]) == ([pooling], normalize)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (QuestionAnswerer, TypeError, "no head that computes what its does. Pass its encoder"),
        (lambda e: SentenceEmbedder(e, pooling="weightedmean"), ValueError, "one pooling of"),
        (lambda e: SentenceEmbedder(e, dense_units=4), ValueError, "no dense layer"),
        (lambda e: SentenceEmbedder(e, truncate_dim=4), ValueError, "and all numbers"),
    ],
)
def test_models_that_keras_hub_does_not_have(
    make: Callable[[Any], keras.Model],
    error: type[Exception],
    message: str,
    config: EncoderConfig,
    tmp_path: pathlib.Path,
) -> None:
    with pytest.raises(error, match=message):
        write_keras_hub(make(BertEncoder(config)), None, tmp_path / "preset")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["backbone", "classifier", "embedder", "masked_lm"])
def test_converted_there_and_back(name: str, written: pathlib.Path, tmp_path: pathlib.Path) -> None:
    task = trained_for(written / name)
    hugging_face = convert(written / name, tmp_path / "hf", "hf")
    back = convert(hugging_face.directory, tmp_path / "back", "keras-hub")
    assert {each.difference for each in (*hugging_face.differences, *back.differences)} == {0}
    assert trained_for(hugging_face.directory) == trained_for(back.directory) == task
    # What an embedder has for a pooler is not read.
    assert bool(back.skipped) == (name == "embedder")
    first, last = (load(at, task=task).model for at in (written / name, back.directory))
    for one, other in zip(first.weights, last.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert getattr(first, "head", None) == getattr(last, "head", None)
    assert hugging_face.skipped.keys() == ({"task.weights.h5"} if name == "masked_lm" else set())
    files = {each["target"].partition("/")[0] for each in back.tensors}
    assert files == ({"model", "task"} if name == "classifier" else {"model"})


def test_conversion_of_pretraining_heads_and_exact_gelu(
    tiny_config: EncoderConfig,
    randomise: Callable[[Any], Any],
    make_batch: Callable[..., Batch],
    tokenizer: WordPieceTokenizer,
    tmp_path: pathlib.Path,
) -> None:
    import keras_hub

    model, batch = randomise(PretrainingModel(BertEncoder(tiny_config))), make_batch()
    source = save(model, tokenizer, tmp_path / "source")
    with pytest.raises(ValueError, match="pass allow_tanh_gelu=True"):
        convert(source, tmp_path / "preset", "keras-hub")
    with pytest.raises(ValueError, match="allow_tanh_gelu is for keras-hub"):
        convert(source, tmp_path / "preset", "google", allow_tanh_gelu=True)
    words = ["convert", str(source), str(tmp_path / "preset"), "--to", "keras-hub"]
    assert main([*words, "--allow_tanh_gelu"]) == 0
    said = json.loads((tmp_path / "preset" / "conversion.json").read_text())
    heads = {name for name in said["skipped"] if name.startswith("cls.")}
    assert len(heads) == len(said["skipped"]) == 7
    assert {each["inputs"] for each in said["differences"]} == {"random", "real"}
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"))
    approximate = BertEncoder(tiny_config.replace(hidden_act="gelu_new"))
    approximate.set_weights(model.encoder.get_weights())
    expected = approximate(batch)["last_hidden_state"]
    assert_close(backbone(theirs(batch))["sequence_output"], expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rounded_weights(dtype: str, written: pathlib.Path, tmp_path: pathlib.Path) -> None:
    done = convert(written / "classifier", tmp_path / dtype, "keras-hub", dtype=dtype)
    found, exact = read(done.directory).tensors, read(written / "classifier").tensors
    assert {str(tensor.dtype) for tensor in found.values()} == {dtype}
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor.read(), exact[name].read().astype(tensor.dtype))
    assert {each["to"] for each in done.tensors} == {dtype}


def test_an_older_preset_is_replaced(
    config: EncoderConfig, written: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    directory = convert(written / "classifier", tmp_path / "preset", "keras-hub").directory
    write_keras_hub(BertEncoder(config), None, directory, overwrite=True)
    assert not (directory / "task.json").exists()
    convert(directory, tmp_path / "preset", "hf", overwrite=True)
    assert not (directory / "model.weights.h5").exists()


def test_commands_read_presets(written: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert config_of(written / "classifier").num_labels == 3
    assert main(["info", str(written / "classifier")]) == 0
    said = capsys.readouterr().out
    assert "sequence_classification" in said and "41 tensors" in said


def test_exact_gelu_is_only_approximated_on_request(
    encoder: BertEncoder, tmp_path: pathlib.Path
) -> None:
    with pytest.raises(ValueError, match="pass allow_tanh_gelu=True"):
        write_keras_hub(encoder, None, tmp_path / "preset")
    directory = write_keras_hub(encoder, None, tmp_path / "preset", allow_tanh_gelu=True)
    assert load(directory).config.hidden_act == "gelu_new"


def test_what_else_is_refused(
    config: EncoderConfig, tokenizer: WordPieceTokenizer, tmp_path: pathlib.Path
) -> None:
    model = BertEncoder(config)
    with pytest.raises(TypeError, match="tokenizer must be a Tokenizer"):
        write_keras_hub(model, object(), tmp_path / "preset")
    other = WordPieceTokenizer([*tokenizer.words, "<s>"], cls_token="<s>")
    with pytest.raises(ValueError, match=r"cls_token is '<s>', keras-hub's is '\[CLS\]'"):
        write_keras_hub(model, other, tmp_path / "preset")
    large = WordPieceTokenizer([*tokenizer.words, *(f"w{i}" for i in range(60))])
    with pytest.raises(ValueError, match="they belong to different checkpoints"):
        write_keras_hub(model, large, tmp_path / "preset")
    save(model, None, tmp_path / "preset")
    with pytest.raises(FileExistsError, match="is not empty"):
        write_keras_hub(model, tokenizer, tmp_path / "preset")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["preset"]


@pytest.mark.slow
@pytest.mark.parametrize("task", [None, "sentence_embedding"])
def test_minilm_there_and_back(
    task: str | None, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    import keras_hub

    bundle = load("all-minilm-l6-v2", task=task)
    directory = write_keras_hub(
        bundle.model, bundle.tokenizer, tmp_path / "preset", allow_tanh_gelu=True
    )
    caplog.set_level(logging.WARNING)
    back = load(directory, task=task)
    assert not caplog.records
    texts = ["A café in Zürich isn't far.", "Two of them; the second is longer than the first!"]
    batch = {name: rows.numpy() for name, rows in bundle.tokenizer(texts, padding=True).items()}
    name = "sentence_embedding" if task else "last_hidden_state"
    ours, exact = back.model(batch)[name], bundle.model(batch)[name]
    if task:
        embedder = keras_hub.models.TextEmbedder.from_preset(str(directory))
        assert embedder.preprocessor.sequence_length == 256
        assert_close(ours, embedder(theirs(batch)))
        assert_close(ours, embedder.predict(texts, verbose=0))
    else:
        backbone = keras_hub.models.Backbone.from_preset(str(directory))
        assert_close(ours, backbone(theirs(batch))["sequence_output"])
        words = keras_hub.tokenizers.BertTokenizer.from_preset(str(directory))
        ids = bundle.tokenizer(texts, add_special_tokens=False)["input_ids"].to_list()
        assert ids == [np.array(words(text)).tolist() for text in texts]
    # The two GELUs.
    assert 1e-4 < np.abs(np.array(ours) - np.array(exact)).max() < 0.02
