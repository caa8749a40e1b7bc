"""Padding is invisible, positions end where the table ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

Batch = dict[str, np.ndarray]
WIDTH = 12


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_tokens_after_the_mask_change_nothing(
    encoder: BertEncoder, make_batch: Callable[..., Batch], data: st.DataObject
) -> None:
    lengths = data.draw(st.lists(st.integers(1, WIDTH), min_size=1, max_size=4))
    batch = make_batch(tuple(lengths), WIDTH)
    cells = len(lengths) * WIDTH
    noise = {
        "input_ids": st.integers(0, 60),
        "token_type_ids": st.integers(0, 1),
    }
    changed = dict(batch)
    for name, values in noise.items():
        drawn = data.draw(st.lists(values, min_size=cells, max_size=cells))
        drawn_grid = np.array(drawn, "int32").reshape(-1, WIDTH)
        changed[name] = np.where(batch["attention_mask"] == 1, batch[name], drawn_grid)
    before, after = encoder(batch), encoder(changed)
    # Bit for bit: a masked key's probability is exactly 0.
    np.testing.assert_array_equal(before["pooler_output"], after["pooler_output"])
    real = batch["attention_mask"] == 1
    np.testing.assert_array_equal(
        np.array(before["last_hidden_state"])[real], np.array(after["last_hidden_state"])[real]
    )


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, WIDTH), min_size=1, max_size=4), more=st.integers(1, 8))
def test_longer_padding_changes_nothing(
    encoder: BertEncoder, make_batch: Callable[..., Batch], lengths: list[int], more: int
) -> None:
    batch = make_batch(tuple(lengths), WIDTH)
    longer = {name: np.pad(values, ((0, 0), (0, more))) for name, values in batch.items()}
    real = batch["attention_mask"] == 1
    before = np.array(encoder(batch)["last_hidden_state"])[real]
    after = np.array(encoder(longer)["last_hidden_state"])[:, :WIDTH][real]
    # Other shapes, other order of summation: a few units of float32's last place.
    assert np.abs(before - after).max() <= 1e-6 * max(1.0, np.abs(before).max())


def test_a_masked_key_has_probability_zero(
    encoder: BertEncoder, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch()
    for probabilities in encoder(batch)["attentions"]:
        masked = np.array(probabilities) * (1 - batch["attention_mask"])[:, None, None]
        assert not masked.any()
        np.testing.assert_allclose(np.array(probabilities).sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_row_without_tokens_is_finite(
    policy: str, tiny_config: EncoderConfig, make_batch: Callable[..., Batch]
) -> None:
    outputs = BertEncoder(tiny_config, dtype=policy)(make_batch((12, 0)))
    for values in outputs.values():
        assert keras.ops.all(keras.ops.isfinite(values))


def test_a_sequence_longer_than_the_table_is_refused(
    encoder: BertEncoder, make_batch: Callable[..., Batch]
) -> None:
    with pytest.raises(ValueError, match=r"21 tokens a row.*end at 20.*max_length=20"):
        encoder(make_batch((21,), 21))


@pytest.mark.parametrize("name", ["input_ids", "token_type_ids"])
def test_an_id_beyond_its_table_is_refused(
    name: str, encoder: BertEncoder, make_batch: Callable[..., Batch]
) -> None:
    # TensorFlow's message; on an accelerator it reads a row of zeros instead (docs/encoder.md).
    batch = make_batch()
    batch[name] = np.where(batch["attention_mask"] == 1, 61, 0).astype("int32")
    with pytest.raises(Exception, match="61 is not in"):
        encoder(batch)


def test_a_missing_input_is_named(encoder: BertEncoder, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch()
    del batch["attention_mask"]
    with pytest.raises(ValueError, match='Missing data for input "attention_mask"'):
        encoder(batch)


def test_sinusoidal_positions_have_no_variable(
    tiny_config: EncoderConfig, make_batch: Callable[..., Batch]
) -> None:
    encoder = BertEncoder(tiny_config.replace(position_embedding_type="sinusoidal"))
    assert not [weight.path for weight in encoder.weights if "position" in weight.path]
    swapped: Any = make_batch((12,))
    forward = np.array(encoder(swapped)["last_hidden_state"])
    swapped = {name: values[:, ::-1] for name, values in swapped.items()}
    backward = np.array(encoder(swapped)["last_hidden_state"])[:, ::-1]
    assert np.abs(forward - backward).max() > 1e-3


def test_rows_of_different_lengths_are_refused(encoder: BertEncoder) -> None:
    tf = pytest.importorskip("tensorflow")
    ragged = tf.ragged.constant([[2, 3], [2, 4, 3]], dtype="int32")
    names = ("input_ids", "attention_mask", "token_type_ids")
    with pytest.raises(ValueError, match=r"ragged.*Pad the texts"):
        encoder(dict.fromkeys(names, ragged))
