"""A large batch in parts, and over replicas, has the gradient of the whole."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.models import BertEncoder, SentenceEmbedder, SentenceSets
from keras_bert_zoo.models.embedding_losses import embedding_loss
from keras_bert_zoo.training.gradient_cache import CachedRanking

PROCESS = pathlib.Path(__file__).with_name("replicas_process.py")


@pytest.fixture
def sets(make_batch):
    """Eight pairs of short texts."""
    flat = make_batch(lengths=(12, 9, 5, 1, 7, 3, 11, 2, 8, 4, 6, 10, 12, 5, 9, 3))
    return {name: x.reshape(8, 2, -1) for name, x in flat.items()}


def embedder_of(config, randomise, *, dropout, dtype):
    config = config.replace(hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    encoder = BertEncoder(config, add_pooling_layer=False, dtype=dtype)
    return randomise(SentenceEmbedder(encoder, normalize=True))


def plain_gradients(model, inputs, labels):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(inputs, labels, model(inputs, training=True), training=True)
    found = tape.gradient(loss, [v.value for v in model.trainable_variables])
    return float(loss), [tf.convert_to_tensor(x).numpy() for x in found]


@pytest.mark.parametrize(
    ("dtype", "tolerance", "dropout", "chunk"),
    [
        ("float32", 1e-5, 0.0, 4),
        ("float64", 1e-10, 0.0, 4),
        # In one part the masks are those of the plain step, if both passes take the same.
        ("float64", 1e-10, 0.2, 16),
    ],
)
def test_gradients_of_parts(tiny_config, randomise, sets, dtype, tolerance, dropout, chunk):
    embedder = embedder_of(tiny_config, randomise, dropout=dropout, dtype=dtype)
    loss = embedding_loss("ranking", dtype=dtype)
    labels = {"sentence_embeddings": np.zeros(8, dtype)}
    plain, cached = SentenceSets(embedder, loss), CachedRanking(embedder, loss, chunk_size=chunk)
    for model in (plain, cached):
        model.compile("sgd", jit_compile=False)
    seeds = cached._seeds()
    before = [seed.numpy() for seed in seeds]
    expected = plain_gradients(plain, sets, labels)
    assert bool(seeds) == bool(dropout)
    after = [seed.numpy() for seed in seeds]
    for seed, value in zip(seeds, before, strict=True):
        seed.assign(value)
    run = tf.function(lambda x: cached.cached_gradients(x, labels))
    value, _, found = run({name: tf.constant(x) for name, x in sets.items()})
    assert float(value) == pytest.approx(expected[0], abs=tolerance)
    for x, y in zip(found, expected[1], strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=tolerance)
    for seed, value in zip(seeds, after, strict=True):
        np.testing.assert_array_equal(seed.numpy(), value)


def test_both_passes_of_several_parts_drop_the_same(tiny_config, randomise, sets):
    embedder = embedder_of(tiny_config, randomise, dropout=0.3, dtype="float32")
    model = CachedRanking(embedder, embedding_loss("cosine"), chunk_size=4)
    model.compile("sgd", jit_compile=False)
    inputs = {name: tf.constant(x) for name, x in sets.items()}
    parts, count = model._parts(inputs)
    seeds = model._seeds()
    before = [tf.identity(seed.value) for seed in seeds]
    first = model._embedded(parts, count)
    for seed, value in zip(seeds, before, strict=True):
        seed.assign(value)
    np.testing.assert_array_equal(first, model._embedded(parts, count))
    assert np.abs(first - model._embedded(parts, count)).max() > 1e-3


@pytest.mark.slow
def test_it_fits(tiny_config, randomise, sets):
    embedder = embedder_of(tiny_config, randomise, dropout=0.0, dtype="float32")
    model = CachedRanking(embedder, embedding_loss("ranking"), chunk_size=4)
    model.compile(keras.optimizers.Adam(0.01))
    data = (sets, {"sentence_embeddings": np.zeros(8)})
    history = model.fit(*data, batch_size=8, epochs=8, verbose=0, shuffle=False).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    three = {name: tf.constant(x[:3]) for name, x in sets.items()}
    with pytest.raises(ValueError, match=r"chunk_size=4 must divide.* which are 6"):
        model.cached_gradients(three, {"sentence_embeddings": np.zeros(3)})
    with pytest.raises(ValueError, match="chunk_size must be at least 1"):
        CachedRanking(embedder, embedding_loss("ranking"), chunk_size=0)


@pytest.mark.slow
def test_two_replicas_have_the_loss_and_gradient_of_one(tmp_path):
    command = [sys.executable, str(PROCESS), str(tmp_path / "weights.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    losses, weights = json.loads(done.stdout.splitlines()[-1]), np.load(command[-1])
    for name in ("ranking", "cached", "cosent"):
        assert losses[f"{name} 2"] == pytest.approx(losses[f"{name} 1"], abs=1e-5)
        before, alone = weights["before"], weights[f"{name} 1"]
        assert np.abs(alone - before).max() > 1e-3  # there is a gradient
        np.testing.assert_allclose(weights[f"{name} 2"], alone, rtol=0, atol=1e-5, err_msg=name)
        # Of weights that are as near as this.
        vectors = weights[f"{name} 2 vectors"], weights[f"{name} 1 vectors"]
        np.testing.assert_allclose(*vectors, rtol=0, atol=1e-4, err_msg=name)
    # Without gathering, each replica has half of the negatives.
    assert losses["apart 2"] < losses["ranking 1"] - 0.1
