"""Several documents in one row: each as if it stood alone."""

from __future__ import annotations

import keras
import numpy as np

from keras_bert_zoo import BertEncoder

LENGTHS = (5, 3, 6)
WIDTH = 16


def pack(documents):
    """One row with all documents, and two places of padding."""
    numbers = np.repeat(np.arange(1, len(LENGTHS) + 1), LENGTHS)
    inputs = {
        "input_ids": np.concatenate(documents),
        "attention_mask": numbers,
        "token_type_ids": np.zeros(sum(LENGTHS)),
        "position_ids": np.concatenate([np.arange(length) for length in LENGTHS]),
    }
    padded = {k: np.pad(v, (0, WIDTH - len(v)))[None].astype("int32") for k, v in inputs.items()}
    return padded


def alone(document):
    ids = document[None].astype("int32")
    return {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }


def make(config, randomise):
    plain = randomise(BertEncoder(config))
    packed = BertEncoder(config, packed=True)
    assert [v.path for v in packed.weights] == [v.path for v in plain.weights]
    packed.set_weights(plain.get_weights())
    return plain, packed


def documents(config):
    generator = np.random.default_rng(2)
    return [generator.integers(5, config.vocab_size, length) for length in LENGTHS]


def test_each_document_is_as_alone(tiny_config, randomise):
    plain, packed = make(tiny_config, randomise)
    texts = documents(tiny_config)
    together = np.array(packed(pack(texts))["last_hidden_state"])[0]
    parts = np.split(together, np.cumsum(LENGTHS))
    for text, part in zip(texts, parts, strict=False):
        expected = np.array(plain(alone(text))["last_hidden_state"])[0]
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_nothing_outside_the_document_is_seen(tiny_config, randomise):
    _, packed = make(tiny_config, randomise)
    model = BertEncoder(tiny_config, packed=True, output_attentions=True)
    model.set_weights(packed.get_weights())
    row = pack(documents(tiny_config))
    numbers = row["attention_mask"][0]
    foreign = numbers[:, None] != numbers[None, :]
    for attention in model(row)["attentions"]:
        seen = np.array(attention)[0][:, numbers > 0]
        assert np.all(seen[:, foreign[numbers > 0]] == 0)


def test_a_packed_encoder_is_saved_and_loaded(tiny_config, randomise, tmp_path):
    _, packed = make(tiny_config, randomise)
    packed.save(tmp_path / "packed.keras")
    loaded = keras.saving.load_model(tmp_path / "packed.keras")
    row = pack(documents(tiny_config))
    for name, value in packed(row).items():
        np.testing.assert_array_equal(np.array(loaded(row)[name]), np.array(value))
