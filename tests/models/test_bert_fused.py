"""The backend's own attention kernel: the same numbers, and no probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo import BertEncoder


@pytest.fixture
def config(tiny_config):
    return tiny_config.replace(attention_probs_dropout_prob=0.0)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("recompute", [False, True])
def test_fused_attention_is_attention(config, randomise, make_batch, packed, recompute):
    batch = make_batch((12, 9, 5, 4), width=12)
    if packed:
        half = (np.arange(12) >= 6).astype("int32")
        batch["attention_mask"] *= 1 + half
        batch["position_ids"] = np.tile(np.arange(12, dtype="int32") % 6, (4, 1))
    plain = randomise(BertEncoder(config, packed=packed))
    fused = BertEncoder(config, packed=packed, fused_attention=True, recompute=recompute)
    fused.set_weights(plain.get_weights())
    real = batch["attention_mask"] > 0
    expected, found = (np.array(m(batch)["last_hidden_state"])[real] for m in (plain, fused))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    clone = BertEncoder.from_config(fused.get_config())
    assert clone.options["fused_attention"] and clone.options["recompute"] == recompute


def test_what_the_kernel_cannot_do_is_refused(config, tiny_config):
    with pytest.raises(ValueError, match="attention_probs_dropout_prob to 0"):
        BertEncoder(tiny_config, fused_attention=True)
    with pytest.raises(ValueError, match="either fused_attention or output_attentions"):
        BertEncoder(config, fused_attention=True, output_attentions=True)
