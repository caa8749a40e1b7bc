"""Windows computed in blocks, against whole squares of scores."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from architectures import batch, tiny

from keras_bert_zoo.models import encoder_of

REACH = 2


@pytest.fixture(scope="module")
def encoders(randomise):
    """The same weights, and attentions asked for, which are of whole rows."""
    config = tiny("modernbert", local_attention=2 * REACH, max_position_embeddings=64)
    return [randomise(encoder_of(config, output_attentions=each)) for each in (False, True)]


def probabilities(model, arrays):
    """How many numbers the local layer makes of them."""
    layer = model.get_layer("layer_1")
    shapes = []
    call = layer.attention.attend
    layer.attention.attend = lambda *given: shapes.append(call(*given)[1].shape) or call(*given)
    try:
        model(arrays)
    finally:
        layer.attention.attend = call
    return shapes


@pytest.mark.parametrize("lengths", [(33, 3, 9), (34, 34), (40, 39, 1), (41,)])
def test_outputs_and_gradients_are_those_of_whole_rows(encoders, lengths):
    import tensorflow as tf

    arrays = batch(encoders[0].config, lengths)
    mask = arrays["attention_mask"][..., None]
    weights = np.random.default_rng(1).normal(size=(*mask.shape[:2], 24)) * mask
    found = []
    for model in encoders:
        variables = [v for v in model.trainable_variables if "pooler" not in v.path]
        with tf.GradientTape() as tape:
            hidden = model(arrays)["last_hidden_state"]
            loss = tf.reduce_sum(hidden * weights.astype("float32"))
        gradients = tape.gradient(loss, [v.value for v in variables])
        found.append([hidden * mask, *map(tf.convert_to_tensor, gradients)])
    for ours, theirs in zip(*found, strict=True):
        # Gradients are sums over tokens: as many float32 steps more as their size says.
        limit = 1e-5 * max(1.0, np.abs(theirs).max())
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=limit)


def test_long_rows_of_a_known_length_make_no_square(encoders):
    arrays = batch(encoders[0].config, (41, 7))
    assert probabilities(encoders[0], arrays) == [(2 * 21, 3, REACH, 3 * REACH)]
    assert probabilities(encoders[1], arrays) == [(2, 3, 41, 41)]
    short = batch(encoders[0].config, (32, 7))
    assert probabilities(encoders[0], short) == [(2, 3, 32, 32)]
    assert encoders[1](arrays)["attentions"][1].shape == (2, 3, 41, 41)


def test_open_lengths_give_the_same(encoders):
    import tensorflow as tf

    arrays = batch(encoders[0].config, (41, 7))
    specs = {name: tf.TensorSpec([None, None], "int32") for name in arrays}
    whole = tf.function(lambda x: encoders[0](x)["last_hidden_state"], input_signature=[specs])
    mask = arrays["attention_mask"][..., None]
    found = np.asarray(encoders[0](arrays)["last_hidden_state"]) * mask
    np.testing.assert_allclose(found, whole(arrays) * mask, rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [{"recompute": True}, {"fused_attention": True}])
def test_other_ways_of_attending(encoders, randomise, options):
    arrays = batch(encoders[0].config, (41, 7))
    other = randomise(encoder_of(encoders[0].config, **options))
    mask = arrays["attention_mask"][..., None]
    training = "recompute" in options
    found = keras.ops.convert_to_numpy(other(arrays, training=training)["last_hidden_state"])
    expected = np.asarray(encoders[0](arrays, training=training)["last_hidden_state"])
    np.testing.assert_allclose(found * mask, expected * mask, rtol=0, atol=1e-5)
