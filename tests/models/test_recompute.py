"""Recomputed activations: the same numbers, the same masks."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.models import BertEncoder

SCRIPT = """
import jax, keras, numpy as np
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import BertEncoder

config = EncoderConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=32, max_position_embeddings=16)
ids = np.random.default_rng(0).integers(0, 50, (4, 10)).astype("int32")
inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": 0 * ids}

def total(outputs):
    return (outputs["last_hidden_state"] ** 3).sum() + outputs["pooler_output"].sum()

def by_jax(model):
    def loss(trained, others):
        return total(model.stateless_call(trained, others, inputs, training=True)[0])
    values = [[v.value for v in part] for part in (
        model.trainable_variables, model.non_trainable_variables)]
    return jax.jit(jax.grad(loss))(*values)

def by_torch(model):
    total(model(inputs, training=True)).backward()
    return [v.value.grad for v in model.trainable_variables]

found = []
for recompute in (False, True):
    keras.utils.set_random_seed(3)
    model = BertEncoder(config, recompute=recompute)
    found.append({"jax": by_jax, "torch": by_torch}[keras.backend.backend()](model))
for one, other in zip(*found, strict=True):
    one, other = (np.asarray(value) for value in (one, other))
    assert np.abs(one - other).max() <= 1e-6 * max(1, np.abs(one).max())
"""


def step(config, batch, recompute, wrap):
    keras.utils.set_random_seed(3)
    model = BertEncoder(config, recompute=recompute)

    def run():
        with tf.GradientTape() as tape:
            outputs = model(batch, training=True)
            cubes = tf.reduce_sum(outputs["last_hidden_state"] ** 3)
            total = cubes + tf.reduce_sum(outputs["pooler_output"])
        return [tf.convert_to_tensor(g) for g in tape.gradient(total, model.trainable_variables)]

    gradients = wrap(run)()
    return [g.numpy() for g in gradients], [v.numpy() for v in model.non_trainable_variables]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_gradients_and_random_state_are_the_same(tiny_config, make_batch, wrap):
    assert tiny_config.hidden_dropout_prob and tiny_config.attention_probs_dropout_prob
    (plain, states), (again, states_again) = (
        step(tiny_config, make_batch(), recompute, wrap) for recompute in (False, True)
    )
    for one, other in zip(plain, again, strict=True):
        assert np.abs(one - other).max() <= 1e-6 * max(1, np.abs(one).max())
    for one, other in zip(states, states_again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_option_is_kept(tiny_config):
    encoder = BertEncoder(tiny_config, recompute=True)
    assert BertEncoder.from_config(encoder.get_config()).options["recompute"]


@pytest.mark.parity
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_on_other_backends(backend):
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True, timeout=300)
