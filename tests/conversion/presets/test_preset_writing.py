"""What is written of models, and what is refused: with tokenizers, options and commands."""

from __future__ import annotations

import json
import logging
import pathlib
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import writers
from architectures import tiny
from presets import ask, assert_close, assert_same

from keras_bert_zoo.bundle import load, save
from keras_bert_zoo.checkpoints.keras_hub_bridge import to_keras_hub
from keras_bert_zoo.checkpoints.keras_hub_presets import read
from keras_bert_zoo.cli import main
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.conversion import convert, write_keras_hub
from keras_bert_zoo.models import (
    BertEncoder,
    PretrainingModel,
    QuestionAnswerer,
    SentenceEmbedder,
    SequenceClassifier,
    encoder_of,
)
from keras_bert_zoo.models.trained_parts import add_lora
from keras_bert_zoo.tokenizers import WordPieceTokenizer

Batch = dict[str, np.ndarray]
TEXTS = ["The film was not good.", "a very dull story, dulls", "Thé [MASK] film"]


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
    assert_same(model(batch), ask(backbone, batch), batch)
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
    assert_close(model(batch)["logits"], ask(classifier, batch)[0])
    assert classifier.dropout == 0.25 and classifier.preprocessor.sequence_length == 20
    texts = tokenizer(TEXTS, padding="max_length", max_length=20)
    assert_close(model(texts)["logits"], classifier.predict(TEXTS, verbose=0))
    back = load(directory, labels=["bad", "good"])
    assert_close(model(batch)["logits"], back.model(batch)["logits"])


@pytest.mark.parametrize(
    ("pooling", "normalize"),
    [("mean", True), ("cls", False), pytest.param("max", True, marks=pytest.mark.slow)],
)
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
    assert_close(vectors, ask(embedder, batch)[0])
    back = load(directory, task="sentence_embedding").model
    assert_close(vectors, back(batch)["sentence_embedding"])
    assert (back.head["pooling"], back.head["normalize"]) == ([pooling], normalize)
    # Theirs has a pooler of zeros, which the model never had.
    assert "pooler_output" not in load(directory).model.output


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (QuestionAnswerer, TypeError, "no head that computes what its does. Write its enc"),
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


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_the_encoder_of_a_model_that_keras_hub_does_not_have(
    kind: str, randomise: Callable[[Any], Any], tmp_path: pathlib.Path
) -> None:
    """As the message says: keras-hub's BERT has a pooler, the model does not."""
    import keras_hub

    theirs = {"bert": {"hidden_act": "gelu_new"}, "roberta": {"layer_norm_eps": 1e-5}}
    config = tiny(kind).replace(**theirs[kind])
    model = randomise(QuestionAnswerer(encoder_of(config, add_pooling_layer=False)))
    source = save(model, None, tmp_path / "source")
    with pytest.raises(TypeError) as caught:
        convert(source, tmp_path / "preset", "keras-hub")
    [said] = re.findall(r"write_keras_hub\(.*\)", str(caught.value))
    bundle = load(source)
    names = {"model": bundle.model, "tokenizer": None, "directory": tmp_path / "preset"}
    eval(said, {"write_keras_hub": write_keras_hub, "SentenceEmbedder": SentenceEmbedder, **names})
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"))
    ids = np.arange(4, 12)[None]
    batch = {"token_ids": ids, "padding_mask": np.ones_like(ids), "segment_ids": ids * 0}
    answers = backbone({name: batch[name] for name in backbone.input})
    ours = model.encoder(
        {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0}
    )["last_hidden_state"]
    assert_close(ours, answers["sequence_output"] if isinstance(answers, dict) else answers)


@pytest.mark.parametrize("kind", writers.CONFIGS)
def test_models_that_write(kind: str) -> None:
    with pytest.raises(TypeError, match="model must be an encoder"):
        to_keras_hub(writers.tiny_writer(kind))


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
    with pytest.raises(ValueError, match=r"pass allow_tanh_gelu=True \(--allow_tanh_gelu\)"):
        convert(source, tmp_path / "preset", "keras-hub")
    with pytest.raises(ValueError, match="allow_tanh_gelu is for keras-hub"):
        convert(source, tmp_path / "preset", "google", allow_tanh_gelu=True)
    words = ["convert", str(source), str(tmp_path / "preset"), "--to", "keras-hub"]
    assert main([*words, "--allow_tanh_gelu"]) == 0
    said = json.loads((tmp_path / "preset" / "conversion.json").read_text())
    heads = {name for name in said["skipped"] if name.startswith("cls.")}
    assert len(heads) == len(said["skipped"]) == 7
    assert {each["inputs"] for each in said["differences"]} == {"random", "real"}
    # Both of these are with the approximation; how far it is from the source is said besides.
    assert max(each["difference"] for each in said["differences"]) < 1e-6
    assert max(each["difference"] for each in said["approximation"]) > 1e-5
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"))
    approximate = BertEncoder(tiny_config.replace(hidden_act="gelu_new"))
    approximate.set_weights(model.encoder.get_weights())
    expected = approximate(batch)["last_hidden_state"]
    assert_close(ask(backbone, batch)[0], expected)


@pytest.mark.parametrize("dtype", [pytest.param("float16", marks=pytest.mark.slow), "bfloat16"])
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
    done = convert(written / "classifier", tmp_path / "preset", "keras-hub", verify=False)
    directory = done.directory
    write_keras_hub(BertEncoder(config), None, directory, overwrite=True)
    assert not (directory / "task.json").exists()
    convert(directory, tmp_path / "preset", "hf", overwrite=True, verify=False)
    assert not (directory / "model.weights.h5").exists()


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
        assert_close(ours, ask(embedder, batch)[0])
        assert_close(ours, embedder.predict(texts, verbose=0))
    else:
        backbone = keras_hub.models.Backbone.from_preset(str(directory))
        assert_close(ours, ask(backbone, batch)[0])
        words = keras_hub.tokenizers.BertTokenizer.from_preset(str(directory))
        ids = bundle.tokenizer(texts, add_special_tokens=False)["input_ids"].to_list()
        assert ids == [np.array(words(text)).tolist() for text in texts]
    # The two GELUs.
    assert 1e-4 < np.abs(np.array(ours) - np.array(exact)).max() < 0.02
