"""Weights from keras-hub's BERT and back, with equal outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from architectures import tiny

from keras_bert_zoo.checkpoints.keras_hub_bridge import from_keras_hub, to_keras_hub
from keras_bert_zoo.checkpoints.keras_hub_tables import PRESETS
from keras_bert_zoo.checkpoints.tensors import CheckpointError
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder, encoder_of

Batch = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def backbone(randomise: Callable[[Any], Any]) -> Any:
    import keras_hub

    return randomise(
        keras_hub.models.BertBackbone(
            vocabulary_size=61,
            num_layers=2,
            num_heads=3,
            hidden_dim=24,
            intermediate_dim=40,
            max_sequence_length=20,
        )
    )


def outputs_of_theirs(backbone: Any, batch: Batch) -> list[np.ndarray]:
    outputs = backbone(
        {
            "token_ids": batch["input_ids"],
            "padding_mask": batch["attention_mask"],
            "segment_ids": batch["token_type_ids"],
        }
    )
    return [outputs["sequence_output"].numpy(), outputs["pooled_output"].numpy()]


def outputs_of_ours(encoder: BertEncoder, batch: Batch) -> list[np.ndarray]:
    outputs = encoder(batch)
    return [outputs["last_hidden_state"].numpy(), outputs["pooler_output"].numpy()]


def assert_close(left: list[np.ndarray], right: list[np.ndarray]) -> None:
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_from_keras_hub(backbone: Any, make_batch: Callable[..., Batch]) -> None:
    batch, encoder = make_batch(), from_keras_hub(backbone)
    assert encoder.config.hidden_act == "gelu_new"
    assert_close(outputs_of_ours(encoder, batch), outputs_of_theirs(backbone, batch))


def test_there_and_back(
    tiny_config: EncoderConfig, randomise: Callable[[Any], Any], make_batch: Callable[..., Batch]
) -> None:
    encoder = randomise(BertEncoder(tiny_config.replace(hidden_act="gelu_new")))
    backbone, batch = to_keras_hub(encoder), make_batch()
    assert_close(outputs_of_theirs(backbone, batch), outputs_of_ours(encoder, batch))
    back = from_keras_hub(backbone)
    for ours, theirs in zip(back.weights, encoder.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_exact_gelu_is_only_approximated_on_request(
    encoder: BertEncoder, make_batch: Callable[..., Batch]
) -> None:
    with pytest.raises(ValueError, match="pass allow_tanh_gelu=True"):
        to_keras_hub(encoder)
    backbone, batch = to_keras_hub(encoder, allow_tanh_gelu=True), make_batch()
    ours, theirs = outputs_of_ours(encoder, batch)[0], outputs_of_theirs(backbone, batch)[0]
    # The two GELUs differ by up to 5e-4 for each unit.
    assert 1e-5 < np.abs(ours - theirs).max() < 0.02


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"layer_norm_eps": 1e-6}, "layer_norm_eps is 1e-06"),
        ({"position_embedding_type": "sinusoidal"}, "position_embedding_type is 'sinusoidal'"),
    ],
)
def test_what_keras_hub_cannot_express(
    changes: dict[str, Any], message: str, tiny_config: EncoderConfig
) -> None:
    encoder = BertEncoder(tiny_config.replace(**changes))
    with pytest.raises(ValueError, match=message):
        to_keras_hub(encoder, allow_tanh_gelu=True)


@pytest.mark.parametrize(
    ("model_type", "changes", "message"),
    [
        ("roberta", {"pad_token_id": 0}, "pad_token_id is 0, keras-hub's Roberta has 1 alone"),
        ("roberta", {"type_vocab_size": 2}, "type_vocab_size is 2"),
        ("deberta-v2", {"position_buckets": -1}, "position_buckets is -1, .* needs at least 1"),
        ("deberta-v2", {"pos_att_type": "c2p"}, "pos_att_type is frozenset"),
        ("deberta-v2", {"share_att_key": False}, "share_att_key is False"),
    ],
)
def test_what_architectures_cannot_express(
    model_type: str, changes: dict[str, Any], message: str
) -> None:
    config = tiny(model_type, **{"layer_norm_eps": PRESETS[model_type].fixed["layer_norm_eps"]})
    values = {**config.to_dict(), **changes}
    with pytest.raises(ValueError, match=message):
        to_keras_hub(encoder_of(EncoderConfig.from_dict(values)))


def test_no_pooler(tiny_config: EncoderConfig) -> None:
    with pytest.raises(ValueError, match="no pooler"):
        to_keras_hub(BertEncoder(tiny_config, add_pooling_layer=False), allow_tanh_gelu=True)


def test_another_architecture(tiny_config: EncoderConfig) -> None:
    with pytest.raises(ValueError, match=r"one of \['albert', .*received 'camembert'"):
        to_keras_hub(BertEncoder(tiny_config.replace(model_type="camembert")))
    with pytest.raises(CheckpointError, match=r"one of \['AlbertBackbone', .*received BertEncoder"):
        from_keras_hub(BertEncoder(tiny_config))


def test_a_backbone_with_other_variables(backbone: Any) -> None:
    class Extended(type(backbone)):
        @property
        def weights(self) -> list[Any]:
            return [*super().weights, BertEncoder(encoder_config).weights[0]]

    encoder_config = from_keras_hub(backbone).config
    extended = Extended.from_config(backbone.get_config())
    with pytest.raises(CheckpointError, match=r"no counterpart: \['embeddings/word_embeddings'\]"):
        from_keras_hub(extended)
