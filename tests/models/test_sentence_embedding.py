"""The embedder and the model of sets: saved as `.keras`, on every backend of Keras."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_bert_zoo.layers import SentencePooling
from keras_bert_zoo.models import SentenceEmbedder
from keras_bert_zoo.models.embedding_losses import LOSSES, Matryoshka, Triplet, embedding_loss

SCRIPT = """
import sys
import keras, numpy as np
import keras_bert_zoo.models
from keras_bert_zoo.models.embedding_losses import LOSSES, embedding_loss

folder, backend = sys.argv[1:]
assert keras.backend.backend() == backend
model = keras.models.load_model(f"{folder}/model.keras")
sets = model(dict(np.load(f"{folder}/sets.npz")))["sentence_embeddings"]
found = {"sets": sets}
# Losses multiply cosines by 20, and with them the rounding of the vectors: every backend is given
# the vectors that the first one made.
if backend != "tensorflow":
    sets = keras.ops.convert_to_tensor(np.load(f"{folder}/tensorflow.npz")["sets"])
labels, weights = np.array([0.1, 0.9, 0.5, 0.2]), np.array([1.0, 1.0, 0.0, 1.0])
for name in LOSSES:
    found[name] = embedding_loss(name, matryoshka=[10, 4])(labels, sets, weights)
found = {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}
np.savez(f"{folder}/{backend}.npz", **found)
"""


@pytest.fixture(scope="module")
def embedder(encoder):
    options = {"pooling": ["cls", "mean", "max", "weightedmean"], "dense_units": 12}
    return SentenceEmbedder(encoder, truncate_dim=10, normalize=True, **options)


@pytest.fixture(scope="module")
def sets(make_batch):
    flat = make_batch((12, 9, 5, 1, 7, 3, 11, 2, 8, 4, 6, 10))
    return {name: x.reshape(4, 3, -1) for name, x in flat.items()}


def test_sets_are_embedded_text_by_text(embedder, sets):
    found = embedder.in_sets("ranking")(sets)["sentence_embeddings"]
    assert found.shape == (4, 3, 10)
    for index in range(3):
        member = {name: x[:, index] for name, x in sets.items()}
        expected = embedder(member)["sentence_embedding"]
        np.testing.assert_allclose(found[:, index], expected, rtol=0, atol=1e-6)


def test_saved_models_answer_the_same(embedder, sets, tmp_path):
    loss = {"distance": "cosine", "margin": 0.2, "matryoshka": [10, 4]}
    model = embedder.in_sets("triplet", **loss)
    model.save(tmp_path / "sets.keras")
    embedder.save(tmp_path / "embedder.keras")
    again = keras.models.load_model(tmp_path / "sets.keras")
    np.testing.assert_array_equal(
        again(sets)["sentence_embeddings"], model(sets)["sentence_embeddings"]
    )
    assert isinstance(again.set_loss, Matryoshka) and isinstance(again.set_loss.loss, Triplet)
    assert again.set_loss.loss.margin == 0.2 and again.set_loss.dims == [10, 4]
    alone = keras.models.load_model(tmp_path / "embedder.keras")
    assert alone.head == embedder.head
    member = {name: x[:, 0] for name, x in sets.items()}
    np.testing.assert_array_equal(
        alone(member)["sentence_embedding"], embedder(member)["sentence_embedding"]
    )


@pytest.mark.parity
def test_every_backend_answers_the_same(embedder, sets, tmp_path):
    embedder.in_sets("ranking").save(tmp_path / "model.keras")
    np.savez(tmp_path / "sets.npz", **sets)
    found = {}
    for backend in ("tensorflow", "jax", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), backend]
        subprocess.run(command, env=environment, check=True, timeout=300)
        found[backend] = dict(np.load(tmp_path / f"{backend}.npz"))
    assert found["tensorflow"].keys() == {"sets", *LOSSES}
    for backend in ("jax", "torch"):
        for name, values in found["tensorflow"].items():
            # Losses here reach 33, where neighbouring float32 numbers are 4e-6 apart: 1e-5 alone
            # would be two or three of them.
            np.testing.assert_allclose(
                found[backend][name], values, rtol=1e-6, atol=1e-5, err_msg=f"{backend} {name}"
            )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda e: SentencePooling("middle"), "pooling must be of .*'mean'.*received 'middle'"),
        (lambda e: SentencePooling([]), "pooling must be of"),
        (lambda e: SentenceEmbedder(e, truncate_dim=25), "truncate_dim must be from 1 to 24"),
        (lambda e: SentenceEmbedder(e, dense_units=3, dense_activation="x"), "received 'x'"),
        (lambda e: embedding_loss("rank"), "loss must be one of"),
        (lambda e: embedding_loss("cosine", margin=1.0), "does not have all of the options"),
        (lambda e: embedding_loss("triplet", distance="far"), "distance must be one of"),
        (lambda e: embedding_loss("cosine", matryoshka=[]), "dims must be widths"),
        (
            lambda e: embedding_loss("cosine", matryoshka=[9])(np.ones(2), np.ones((2, 2, 8))),
            "dims must be at most 8",
        ),
    ],
)
def test_refusals(encoder, make, message):
    with pytest.raises(ValueError, match=message):
        make(encoder)
