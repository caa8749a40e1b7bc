"""Words that see their neighbours, and what stands in for a normalisation."""

from __future__ import annotations

import numpy as np

from keras_bert_zoo.layers import NoNorm, Pooler, TrigramEmbeddings

IDS = np.array([[3, 7, 5, 0]], "int32")


def made(**options):
    layer = TrigramEmbeddings(
        vocab_size=11, hidden_size=6, word_size=4, max_position_embeddings=8, dropout=0.0,
        normalization_type="no_norm", position_embedding_type=None, type_vocab_size=0, **options,
    )  # fmt: skip
    layer(IDS)
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def test_it_is_a_convolution_of_three_words():
    layer = made()
    words, kernel = np.asarray(layer.word), np.asarray(layer.transform.kernel)
    # The kernel's first rows belong to the word that follows.
    following, own, preceding = np.split(kernel, 3)
    table = np.concatenate([np.zeros((1, 4)), words[IDS[0]], np.zeros((1, 4))])
    sums = [
        table[place + 1] @ following + table[place] @ own + table[place - 1] @ preceding
        for place in range(1, 5)
    ]
    gamma, beta = np.asarray(layer.norm.gamma), np.asarray(layer.norm.beta)
    wanted = (np.array(sums) + np.asarray(layer.transform.bias)) * gamma + beta
    np.testing.assert_allclose(np.asarray(layer(IDS))[0], wanted, atol=1e-5)


def test_the_last_word_sees_padding_and_no_other_does():
    layer = made()
    padded, alone = np.asarray(layer(IDS))[:, :3], np.asarray(layer(IDS[:, :3]))
    np.testing.assert_allclose(padded[:, :2], alone[:, :2], atol=1e-6)
    assert np.abs(padded[:, 2] - alone[:, 2]).max() > 0.1


def test_documents_do_not_see_each_other():
    layer = made()
    found = np.asarray(layer(IDS, documents=np.array([[1, 1, 2, 0]], "int32")))
    np.testing.assert_allclose(found[:, :2], layer(IDS[:, :2]), atol=1e-6)
    np.testing.assert_allclose(found[:, 2:3], layer(IDS[:, 2:3]), atol=1e-6)


def test_without_neighbours_a_word_is_itself():
    layer = made(neighbours=False)
    assert layer.transform.kernel.shape == (4, 6)
    np.testing.assert_allclose(np.asarray(layer(IDS))[:, 1:2], layer(IDS[:, 1:2]), atol=1e-6)
    assert TrigramEmbeddings.from_config(layer.get_config()).get_config() == layer.get_config()


def test_no_norm_keeps_the_size_of_its_input():
    layer = NoNorm()
    x = np.array([[1e6, -2e6]], "float32")
    assert np.array_equal(layer(x), x)


def test_a_pooler_without_a_projection_is_the_first_token():
    layer = Pooler(projects=False)
    hidden = np.arange(12, dtype="float32").reshape(2, 2, 3)
    assert np.array_equal(layer(hidden), hidden[:, 0]) and layer.weights == []
    assert Pooler.from_config(layer.get_config()).projects is False
