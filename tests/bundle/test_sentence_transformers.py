"""Directories of sentence-transformers, read and written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from limits import limits

import keras_bert_zoo
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.conversion import convert
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder

HEADS = {
    "mean": {},
    "normalised": {"normalize": True, "max_seq_length": 17},
    "several": {"pooling": ["cls", "max", "weightedmean"]},
    "another order": {"pooling": ["mean", "cls"]},
    "dense": {"dense_units": 10, "normalize": True, "truncate_dim": 6},
    "dense without bias": {"dense_units": 10, "dense_bias": False, "dense_activation": "gelu"},
    "dense without activation": {"dense_units": 10, "dense_activation": None},
}


@pytest.fixture
def written(tmp_path, encoder, tokenizer, tiny_config, randomise):
    """Writes an embedder with a head; returns it and the directory."""

    def write(**head):
        plain = randomise(BertEncoder(tiny_config, add_pooling_layer=False))
        model = SentenceEmbedder(plain, **head)
        return model, keras_bert_zoo.save(model, tokenizer, tmp_path / "saved", overwrite=True)

    return write


def rewritten(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("name", HEADS)
def test_there_and_back(written, make_batch, name):
    model, directory = written(**HEADS[name])
    loaded = keras_bert_zoo.load(directory, task="sentence_embedding")
    assert loaded.model.head == {**model.head, **_unused(model.head)}
    batch = make_batch()
    np.testing.assert_array_equal(
        loaded.model(batch)["sentence_embedding"], model(batch)["sentence_embedding"]
    )
    # It is the bundle of the encoder too, and can be replaced.
    assert isinstance(keras_bert_zoo.load(directory).model, BertEncoder)
    keras_bert_zoo.save(loaded.model, loaded.tokenizer, directory, overwrite=True)


def _unused(head):
    return {} if head["dense_units"] else {"dense_activation": "tanh", "dense_bias": True}


def test_what_is_written(written):
    _, directory = written(dense_units=10, normalize=True, max_seq_length=17)
    modules = json.loads((directory / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling", "2_Dense", "3_Normalize"]
    pooling = json.loads((directory / "1_Pooling" / "config.json").read_text())
    assert pooling["pooling_mode_mean_tokens"] and not pooling["pooling_mode_cls_token"]
    assert pooling["word_embedding_dimension"] == 24
    lengths = json.loads((directory / "sentence_bert_config.json").read_text())
    assert lengths["max_seq_length"] == 17
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["BertModel"]


def test_a_bare_encoder_has_its_mean_taken(tmp_path, encoder, make_batch):
    keras_bert_zoo.save(encoder, None, tmp_path / "bare")
    loaded = keras_bert_zoo.load(tmp_path / "bare", task="sentence_embedding", fresh_head=False)
    batch = make_batch()
    hidden, mask = encoder(batch)["last_hidden_state"].numpy(), batch["attention_mask"][..., None]
    expected = (hidden * mask).sum(1) / mask.sum(1)
    found = loaded.model(batch)["sentence_embedding"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_an_encoder_in_a_folder_of_its_own(written, make_batch):
    model, directory = written()
    folder = directory / "0_Transformer"
    folder.mkdir()
    for path in [path for path in directory.iterdir() if path.is_file()]:
        if path.name not in ("modules.json", "config_sentence_transformers.json"):
            path.rename(folder / path.name)
    path = directory / "modules.json"
    modules = json.loads(path.read_text())
    modules[0]["path"] = "0_Transformer"
    path.write_text(json.dumps(modules))
    # What is converted has the encoder where later releases put it.
    convert(directory, directory.parent / "converted", "hf")
    batch = make_batch()
    for place in (directory, directory.parent / "converted"):
        loaded = keras_bert_zoo.load(place, task="sentence_embedding")
        np.testing.assert_array_equal(
            loaded.model(batch)["sentence_embedding"], model(batch)["sentence_embedding"]
        )
        assert loaded.model.head == model.head
        encoder = keras_bert_zoo.load(place).model
        np.testing.assert_array_equal(
            encoder(batch)["last_hidden_state"], model.encoder(batch)["last_hidden_state"]
        )
    assert (directory.parent / "converted" / "config.json").is_file()


def _change_modules(directory, index=1, **changes):
    path = directory / "modules.json"
    modules = json.loads(path.read_text())
    modules[index].update(changes)
    path.write_text(json.dumps(modules))


DAMAGE = {
    "an unknown module": (
        lambda d: _change_modules(d, type="sentence_transformers.models.CNN"),
        r"modules.json names \['Transformer', 'CNN', 'Dense'\].*Pooling",
    ),
    "a folder outside": (lambda d: _change_modules(d, path="../x"), "outside its directory"),
    "no encoder": (
        lambda d: _change_modules(d, 0, path="x"),
        "names 'x' for the encoder, which is",
    ),
    "no JSON": (lambda d: (d / "modules.json").write_text("["), "modules.json is not valid JSON"),
    "no list": (
        lambda d: (d / "modules.json").write_text("{}"),
        "modules.json must hold a JSON array",
    ),
    "an unknown pooling": (
        lambda d: rewritten(d / "1_Pooling" / "config.json", pooling_mode="lasttoken"),
        r"asks for \['lasttoken'\]. Known are \['cls'",
    ),
    "poolings that are no list": (
        lambda d: rewritten(d / "1_Pooling" / "config.json", pooling_mode=3),
        "1_Pooling/config.json asks for 3",
    ),
    "a thousand poolings": (
        lambda d: rewritten(d / "1_Pooling" / "config.json", pooling_mode=["mean"] * 1000),
        "Known are .*, each once",
    ),
    "an activation that is no name": (
        lambda d: rewritten(d / "2_Dense" / "config.json", activation_function=[1]),
        r"activation_function '\[1\]'",
    ),
    "a width beyond any": (
        lambda d: rewritten(d / "2_Dense" / "config.json", out_features=10**30),
        "dense_units must be an integer from 1 to 65536",
    ),
    "a length that is no number": (
        lambda d: rewritten(d / "sentence_bert_config.json", max_seq_length="long"),
        "max_seq_length must be an integer from 1 to 1048576, or None, received 'long'",
    ),
    "numbers in place of modules": (
        lambda d: (d / "modules.json").write_text("[1]"),
        "must hold a list of objects, one for each module",
    ),
    "nested without end": (
        lambda d: (d / "modules.json").write_text("[" * 50_000),
        "modules.json is not valid JSON",
    ),
    "a folder by its root": (lambda d: _change_modules(d, path="/etc"), "outside its directory"),
    "a folder that is a number": (lambda d: _change_modules(d, path=3), "outside its directory"),
    "a folder with a NUL": (lambda d: _change_modules(d, path="a\0b"), "outside its directory"),
    "an unknown activation": (
        lambda d: rewritten(d / "2_Dense" / "config.json", activation_function="my.Thing"),
        "activation_function 'my.Thing'.*Tanh",
    ),
    "another width": (
        lambda d: rewritten(d / "2_Dense" / "config.json", out_features=11),
        r"linear.weight has shape \(10, 24\), expected \(11, 24\)",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage(written, name):
    damage, message = DAMAGE[name]
    _, directory = written(dense_units=10)
    damage(directory)
    with limits(), pytest.raises(CheckpointError, match=message):
        keras_bert_zoo.load(directory, task="sentence_embedding")


def test_labels_have_no_place(written):
    _, directory = written()
    with pytest.raises(ValueError, match="no labels"):
        keras_bert_zoo.load(directory, task="sentence_embedding", labels=["a"])


def test_what_the_user_has_to_do(written, caplog):
    _, directory = written()
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    rewritten(directory / "config_sentence_transformers.json", **prompts)
    rewritten(directory / "sentence_bert_config.json", do_lower_case=True)
    keras_bert_zoo.load(directory, task="sentence_embedding")
    assert "'query: '" in caplog.text
    assert "lower case" in caplog.text
