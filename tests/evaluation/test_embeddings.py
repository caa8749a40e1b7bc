"""Encoding, searching and scoring, beside plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from keras_bert_zoo.evaluation import embeddings
from keras_bert_zoo.models import BertEncoder, SentenceEmbedder
from keras_bert_zoo.tokenizers import WordPieceTokenizer

WORDS = [f"w{i}" for i in range(50)]
TEXTS = [" ".join(WORDS[i : i + 1 + i % 9]) for i in range(40)]


@pytest.fixture(scope="module")
def tokenizer():
    return WordPieceTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])


@pytest.fixture(scope="module")
def model(tiny_config, randomise):
    encoder = randomise(BertEncoder(tiny_config, add_pooling_layer=False))
    return SentenceEmbedder(encoder, normalize=True, max_seq_length=8)


def test_encode_keeps_the_order(model, tokenizer):
    found = embeddings.encode(model, tokenizer, TEXTS, batch_size=7)
    assert found.dtype == np.float32 and found.shape == (40, 24)
    for index in (0, 7, 39):
        alone = embeddings.encode(model, tokenizer, [TEXTS[index]])
        np.testing.assert_allclose(found[index], alone[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=0, atol=1e-5)
    assert embeddings.encode(model, tokenizer, []).shape == (0, 24)


def test_what_is_there_twice_is_embedded_once(model, tokenizer, capsys):
    several = [TEXTS[3], TEXTS[0], TEXTS[3], TEXTS[5], TEXTS[0], TEXTS[3]]
    found = embeddings.encode(model, tokenizer, several, progress=True)
    assert "3/3" in capsys.readouterr().out
    once = embeddings.encode(model, tokenizer, [TEXTS[3], TEXTS[0], TEXTS[5]])
    np.testing.assert_allclose(found, once[[0, 1, 0, 2, 1, 0]], rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match=r"texts\[1\] must be a string"):
        embeddings.encode(model, tokenizer, [TEXTS[3], ["no text"]])


def test_texts_are_cut_at_the_length_of_the_model(model, tokenizer):
    long, short = " ".join(WORDS[:18]), " ".join(WORDS[:6])
    first, second = embeddings.encode(model, tokenizer, [long, short])
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-5)
    longer = embeddings.encode(model, tokenizer, [long], max_length=20)
    assert np.abs(longer[0] - second).max() > 1e-3


def test_truncated_vectors_have_length_1_again(model, tokenizer, capsys):
    whole = embeddings.encode(model, tokenizer, TEXTS)
    found = embeddings.encode(model, tokenizer, TEXTS, truncate_dim=5, progress=True)
    expected = whole[:, :5] / np.linalg.norm(whole[:, :5], axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    assert "40/40" in capsys.readouterr().out
    plain = model.with_head(normalize=False)
    cut = embeddings.encode(plain, tokenizer, TEXTS, truncate_dim=5)
    np.testing.assert_array_equal(cut, embeddings.encode(plain, tokenizer, TEXTS)[:, :5])


@pytest.mark.parametrize(
    "texts",
    [
        {"a": 1},
        {"a", "b"},
        np.array([["a"]]),
        (x for x in "ab"),
        np.array("a"),
        5,
        None,
    ],
    ids=["dict", "set", "table", "generator", "scalar", "number", "none"],
)
def test_what_is_no_list_of_texts(model, tokenizer, texts):
    with pytest.raises(ValueError, match=r"texts must be a list of strings, received .*list\(…\)"):
        embeddings.encode(model, tokenizer, texts)


def test_arrays_and_tuples_are_lists(model, tokenizer):
    wanted = embeddings.encode(model, tokenizer, TEXTS[:5])
    for texts in (np.array(TEXTS[:5]), np.array(TEXTS[:5], object), tuple(TEXTS[:5])):
        np.testing.assert_array_equal(embeddings.encode(model, tokenizer, texts), wanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truncate_dim": 25}, "truncate_dim must be from 1 to 24"),
        ({"max_length": 21}, "max_length must be from 3 to 20"),
    ],
)
def test_encode_refuses(model, tokenizer, options, message):
    with pytest.raises(ValueError, match=message):
        embeddings.encode(model, tokenizer, TEXTS, **options)
    with pytest.raises(ValueError, match=r"no sentence_embedding.*task='sentence_embedding'"):
        embeddings.encode(model.encoder, tokenizer, TEXTS)


@pytest.mark.parametrize("at_once", [{}, {"queries_at_once": 3, "corpus_at_once": 4}])
def test_search(at_once):
    generator = np.random.default_rng(1)
    queries, corpus = generator.standard_normal((7, 6)), generator.standard_normal((23, 6))
    cosines = embeddings.unit(queries) @ embeddings.unit(corpus).T
    found = embeddings.semantic_search(queries, corpus, 5, **at_once)
    expected = np.argsort(-cosines, axis=1)[:, :5]
    assert [[hit["corpus_id"] for hit in hits] for hits in found] == expected.tolist()
    scores = [[hit["score"] for hit in hits] for hits in found]
    np.testing.assert_allclose(scores, np.take_along_axis(cosines, expected, 1), atol=1e-6)


def test_search_of_equals_and_of_few():
    found = embeddings.semantic_search([1.0, 0.0], np.tile([2.0, 0.0], (3, 1)), 9, corpus_at_once=2)
    assert [hit["corpus_id"] for hit in found[0]] == [0, 1, 2]
    with pytest.raises(ValueError, match="one width"):
        embeddings.semantic_search(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="top_k must be a whole number of at least 1"):
        embeddings.semantic_search(np.ones((2, 3)), np.ones((2, 3)), 0)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["queries", "corpus"])
def test_search_refuses_what_is_near_to_nothing(name, odd):
    vectors = {"queries": np.ones((4, 3)), "corpus": np.ones((4, 3))}
    vectors[name][3, 1] = odd
    with pytest.raises(ValueError, match=rf"{name}\[3\] holds NaN or infinity"):
        embeddings.semantic_search(**vectors, corpus_at_once=2)


def test_similarity(model, tokenizer):
    labels = np.arange(20.0) % 7
    scores = embeddings.evaluate_similarity(model, tokenizer, TEXTS[:20], TEXTS[20:], labels)
    vectors = embeddings.encode(model, tokenizer, TEXTS)
    cosines = (vectors[:20] * vectors[20:]).sum(1)
    assert scores["spearman"] == pytest.approx(scipy.stats.spearmanr(cosines, labels)[0], abs=1e-5)
    assert scores["pearson"] == pytest.approx(scipy.stats.pearsonr(cosines, labels)[0], abs=1e-5)
    same = embeddings.similarity_scores(vectors[:20], vectors[20:], np.ones(20))
    assert np.isnan(same["spearman"])
    for texts, pairs, scores, message in (
        (TEXTS, TEXTS[:3], labels, "text_pairs has 3 rows, texts has 40"),
        ("ab", "cd", [1, 2], "texts must be a list of strings, received one string"),
        (["a", "b"], [None, "b"], [1, 2], r"text_pairs\[0\] must be a string"),
        (["a", "b"], ["a", "b"], ["5", "0"], "labels must be finite numbers"),
        (["a", "b"], ["a", "b"], [1, np.nan], "labels must be finite numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            embeddings.evaluate_similarity(model, tokenizer, texts, pairs, scores)


def test_ranking():
    generator = np.random.default_rng(5)
    sets = generator.standard_normal((9, 3, 4))
    cosines = embeddings.unit(sets[:, 0]) @ embeddings.unit(sets[:, 1:]).transpose(0, 2, 1)
    every = np.concatenate([cosines[:, :, 0].T, cosines[:, :, 1].T], axis=1)
    ranks = 1 + (every > np.diag(every)[:, None]).sum(1)
    scores = embeddings.ranking_scores(sets)
    assert scores == {
        "accuracy_at_1": pytest.approx((ranks == 1).mean()),
        "mrr": pytest.approx((1 / ranks).mean()),
    }


def test_the_same_right_text_twice_is_no_mistake():
    vectors = np.eye(3)
    near = vectors[1] + vectors[0]
    sets = np.stack([[vectors[0], near], [vectors[0], near], [vectors[2], vectors[2]]])
    sets[1, 1] += 0.1 * vectors[0]  # as another batch would compute it, and more
    assert embeddings.ranking_scores(sets)["accuracy_at_1"] < 1
    assert embeddings.ranking_scores(sets, np.array([[0], [0], [1]]))["accuracy_at_1"] == 1
    # Nor is it one where it is the wrong answer to something else.
    wrong = np.concatenate([sets, sets[::-1, 1:]], axis=1)
    numbers = np.array([[0, 1], [0, 0], [1, 0]])
    assert embeddings.ranking_scores(wrong, numbers)["accuracy_at_1"] == 1


def test_vectors_that_are_all_alike_find_nothing():
    scores = embeddings.ranking_scores(np.ones((50, 2, 8), "float32"))
    assert scores == {"accuracy_at_1": 0.0, "mrr": pytest.approx(1 / 50)}
