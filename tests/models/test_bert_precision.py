"""Half precision beside float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder, SequenceClassifier

Batch = dict[str, np.ndarray]

# Four units in the last place of numbers between 2 and 4, as the largest outputs here are: every
# layer rounds some ten times, up and down alike. Measured: two.
TOLERANCES = {"mixed_bfloat16": 4 * 2**-6, "mixed_float16": 4 * 2**-9}


def half_and_full(encoder: BertEncoder, policy: str, batch: Batch) -> tuple[Any, Any]:
    half = BertEncoder(encoder.config, dtype=policy)
    half.set_weights(encoder.get_weights())
    return half(batch), encoder(batch)


@pytest.mark.parametrize("policy", TOLERANCES)
def test_outputs_stay_near_float32(
    policy: str, encoder: BertEncoder, make_batch: Callable[..., Batch]
) -> None:
    half, full = half_and_full(encoder, policy, make_batch())
    for name, values in half.items():
        assert keras.backend.standardize_dtype(values.dtype) == policy.removeprefix("mixed_")
        difference = keras.ops.abs(keras.ops.cast(values, "float32") - full[name])
        # Not 0 either: the policy must have reached the layers.
        assert 0 < float(keras.ops.max(difference)) <= TOLERANCES[policy], name


@pytest.mark.parametrize("policy", TOLERANCES)
def test_weights_stay_in_float32(policy: str, tiny_config: EncoderConfig) -> None:
    encoder = BertEncoder(tiny_config, dtype=policy)
    assert {weight.dtype for weight in encoder.weights} == {"float32"}


def test_compile_adds_loss_scaling(tiny_config: EncoderConfig) -> None:
    encoder = BertEncoder(tiny_config, dtype="mixed_float16")
    encoder.compile("sgd")
    assert isinstance(encoder.optimizer, keras.optimizers.LossScaleOptimizer)


@pytest.mark.parametrize("policy", TOLERANCES)
def test_logits_are_float32(
    policy: str, tiny_config: EncoderConfig, make_batch: Callable[..., Batch]
) -> None:
    config = tiny_config.replace(id2label={0: "no", 1: "yes"})
    classifier = SequenceClassifier(BertEncoder(config, dtype=policy), dtype=policy)
    assert classifier(make_batch())["logits"].dtype == "float32"


@pytest.mark.slow
def test_one_step_with_loss_scaling(
    tiny_config: EncoderConfig, make_batch: Callable[..., Batch], randomise: Callable[[Any], Any]
) -> None:
    encoder = randomise(BertEncoder(tiny_config, dtype="mixed_float16"))
    scores = keras.layers.Dense(2, dtype="float32")(encoder.output["pooler_output"])
    model = keras.Model(encoder.input, scores)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.train_on_batch(make_batch(), np.array([0, 1, 1, 0]))
    # The optimizer skips a step whose gradients overflowed: all weights would stay.
    assert int(optimizer.step_counter.numpy()) == 1
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = weight.numpy()
        assert np.isfinite(new).all(), weight.path
        # Adding one number to every key moves no probability: its gradient is rounding.
        assert weight.path.endswith("key/bias") or (new != old).any(), weight.path
