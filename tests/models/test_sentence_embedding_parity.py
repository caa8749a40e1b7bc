"""Pooling and losses beside the formulas of sentence-transformers, written in plain torch.

Transcribed from sentence-transformers 5.7.0: ``sentence_transformer/modules/pooling.py``,
``sentence_transformer/losses/`` and ``util/similarity.py``.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_bert_zoo.models import BertEncoder, SentenceEmbedder
from keras_bert_zoo.models.embedding_losses import Matryoshka, embedding_loss

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")
F = torch.nn.functional


def _weighted(hidden, mask):
    weights = mask * torch.arange(1, hidden.shape[1] + 1)[None, :, None]
    return (hidden * weights).sum(1) / weights.sum(1)


POOLED = {
    "cls": lambda hidden, mask: hidden[:, 0],
    "max": lambda hidden, mask: hidden.masked_fill(mask == 0, -torch.inf).max(1).values,
    "mean": lambda hidden, mask: (hidden * mask).sum(1) / mask.sum(1),
    "mean_sqrt_len_tokens": lambda hidden, mask: (hidden * mask).sum(1) / mask.sum(1).sqrt(),
    "weightedmean": _weighted,
}


@pytest.mark.parametrize("pooling", [*POOLED, ("cls", "mean")])
def test_pooling(encoder, make_batch, pooling):
    batch = make_batch()
    hidden = torch.tensor(np.array(encoder(batch)["last_hidden_state"]))
    mask = torch.tensor(batch["attention_mask"])[:, :, None].float()
    names = (pooling,) if isinstance(pooling, str) else pooling
    expected = torch.cat([POOLED[name](hidden, mask) for name in names], dim=-1)
    found = SentenceEmbedder(encoder, pooling=pooling)(batch)["sentence_embedding"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_dense_is_cut_and_then_normalised(encoder, make_batch, randomise):
    model = SentenceEmbedder(encoder, dense_units=10, truncate_dim=7, normalize=True)
    kernel, bias = randomise(keras.Sequential([keras.Input((24,)), keras.layers.Dense(10)])).weights
    model.get_layer("dense").set_weights([kernel.numpy(), bias.numpy()])
    mean = SentenceEmbedder(encoder)(make_batch())["sentence_embedding"]
    dense = torch.tanh(torch.tensor(mean.numpy() @ kernel.numpy() + bias.numpy()))
    expected = F.normalize(dense[:, :7], p=2, dim=1)
    found = model(make_batch())["sentence_embedding"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def _ranking(x, labels, scale=20.0):
    docs = torch.cat([x[:, index] for index in range(1, x.shape[1])])
    scores = F.normalize(x[:, 0], dim=-1) @ F.normalize(docs, dim=-1).T * scale
    return F.cross_entropy(scores, torch.arange(len(x)))


def _cosines(x):
    return (F.normalize(x[:, 0], dim=-1) * F.normalize(x[:, 1], dim=-1)).sum(-1)


def _squared(x, labels):
    return F.mse_loss(torch.cosine_similarity(x[:, 0], x[:, 1]), labels)


def _angles(x):
    x, y = (F.pad(part, (0, part.shape[1] % 2)) for part in (x[:, 0], x[:, 1]))
    (a, b), (c, d) = torch.chunk(x, 2, dim=1), torch.chunk(y, 2, dim=1)
    z = torch.sum(c**2 + d**2, dim=1, keepdim=True)
    re, im = (a * c + b * d) / z, (b * c - a * d) / z
    ratio = (a**2 + b**2).sum(1, keepdim=True) ** 0.5 / (c**2 + d**2).sum(1, keepdim=True) ** 0.5
    return torch.abs(torch.sum(torch.concat((re / ratio, im / ratio), dim=1), dim=1))


def _order(similarity):
    def loss(x, labels):
        scores = similarity(x) * 20.0
        scores = scores[:, None] - scores[None, :]
        lower = (labels[:, None] < labels[None, :]).float()
        scores = scores - (1 - lower) * 1e12
        return torch.logsumexp(torch.cat((torch.zeros(1), scores.view(-1))), dim=0)

    return loss


def _triplet(distance, margin):
    def loss(x, labels):
        return F.relu(distance(x[:, 0], x[:, 1]) - distance(x[:, 0], x[:, 2]) + margin).mean()

    return loss


LOSSES = {
    "ranking": ({"loss": "ranking"}, 2, _ranking),
    "hard negatives": ({"loss": "ranking"}, 4, _ranking),
    "cosine": ({"loss": "cosine"}, 2, _squared),
    "cosent": ({"loss": "cosent"}, 2, _order(_cosines)),
    "angle": ({"loss": "angle"}, 2, _order(_angles)),
    "euclidean": ({"loss": "triplet"}, 3, _triplet(F.pairwise_distance, 5.0)),
    "cosine distance": (
        {"loss": "triplet", "distance": "cosine", "margin": 0.3},
        3,
        _triplet(lambda x, y: 1 - F.cosine_similarity(x, y), 0.3),
    ),
}  # fmt: skip


def _case(members, width=9, rows=6):
    generator = np.random.default_rng(4)
    sets = generator.standard_normal((rows, members, width)).astype("float32")
    return sets, generator.integers(0, 4, rows).astype("float32") / 3


def _ours(loss, sets, labels, weights=None):
    import tensorflow as tf

    variable = tf.Variable(sets)
    with tf.GradientTape() as tape:
        value = loss(labels, variable, weights)
    return float(value), tape.gradient(value, variable).numpy()


def _theirs(formula, sets, labels):
    x = torch.tensor(sets, requires_grad=True)
    value = formula(x, torch.tensor(labels))
    value.backward()
    return value.item(), x.grad.numpy()


@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient(name):
    options, members, formula = LOSSES[name]
    sets, labels = _case(members)
    loss = embedding_loss(options["loss"], **{k: v for k, v in options.items() if k != "loss"})
    found, expected = _ours(loss, sets, labels), _theirs(formula, sets, labels)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_rows_that_fill_up_change_nothing(name):
    options, members, _ = LOSSES[name]
    sets, labels = _case(members)
    loss = embedding_loss(options["loss"], **{k: v for k, v in options.items() if k != "loss"})
    expected = _ours(loss, sets, labels)
    filled, again = np.concatenate([sets, sets[:3]]), np.concatenate([labels, labels[:3]])
    weights = np.array([1] * len(sets) + [0] * 3, "float32")
    found = _ours(loss, filled, again, weights)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    np.testing.assert_allclose(found[1][: len(sets)], expected[1], rtol=0, atol=1e-5)
    assert not found[1][len(sets) :].any()


def test_matryoshka():
    sets, labels = _case(2)
    dims, weights = [9, 4], [1.0, 0.5]

    def formula(x, labels):
        cut = (F.normalize(x[..., :dim], dim=-1) for dim in dims)
        return sum(w * _order(_cosines)(each, labels) for w, each in zip(weights, cut, strict=True))

    loss = Matryoshka(embedding_loss("cosent"), dims, weights)
    found, expected = _ours(loss, sets, labels), _theirs(formula, sets, labels)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-5)


def test_float64_stays_so(tiny_config, make_batch):
    model = SentenceEmbedder(BertEncoder(tiny_config, dtype="float64"), normalize=True)
    assert model.output["sentence_embedding"].dtype == "float64"
