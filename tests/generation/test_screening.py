"""The likeliest word is that of the whole product, though most words are not scored."""

from __future__ import annotations

import types

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as st
from writers import START, VOCAB, rows, tiny_writer, with_segments

from keras_bert_zoo.generation import compiled, generate
from keras_bert_zoo.generation.options import GenerationOptions
from keras_bert_zoo.generation.screening import BLOCKS, SIZE, Screen

WORDS, WIDTH, ROWS = 700, 24, 3


def head_of(table, bias=None):
    return types.SimpleNamespace(words=tf.cast(table, tf.float32), bias=bias)


@pytest.fixture(scope="module")
def compare():
    """Screened and full choice, in one compiled program for all tables of a shape."""

    @tf.function(jit_compile=True, autograph=False)
    def both(table, bias, states, banned):
        screen = Screen(head_of(table, bias))
        scores = tf.matmul(states, table, transpose_b=True) + bias + banned
        return (*screen._bounds(states, banned), scores, screen.likeliest(states, banned))

    return lambda *arrays: [x.numpy() for x in both(*(tf.constant(a, tf.float32) for a in arrays))]


@hypothesis.given(
    st.integers(0, 2**32 - 1), st.sampled_from([1e-3, 1, 30]), st.sampled_from([0, 1, 50])
)
@hypothesis.settings(max_examples=60, deadline=None, derandomize=True)
def test_any_table(compare, seed, size, outlier):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(WORDS, WIDTH)) * rng.lognormal(size=(WORDS, 1)) * size
    states = rng.normal(size=(ROWS, WIDTH))
    # As of BERT: some features are far larger than all others.
    table[:, 3] += outlier * size
    states[:, 5] += outlier
    bias, banned = rng.normal(size=WORDS) * size, np.where(rng.random((1, WORDS)) < 0.3, -1e9, 0)
    lowest, highest, scores, found = compare(table, bias, states, banned)
    free = banned[0] == 0
    assert (scores >= lowest.T)[:, free].all() and (scores <= highest.T)[:, free].all()
    chosen = scores[np.arange(ROWS), found]
    np.testing.assert_allclose(chosen, scores.max(axis=1), rtol=1e-6, atol=1e-6 * size)


def test_of_equal_words_the_first(compare):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(WORDS, WIDTH))
    table[[90, 350, 600]] = 9.0
    nothing = np.zeros((1, WORDS))
    found = compare(table, nothing[0], np.full((ROWS, WIDTH), 2.0), nothing)[-1]
    assert found.tolist() == [90] * ROWS
    nothing[0, 90] = -1e9
    found = compare(table, nothing[0], np.full((ROWS, WIDTH), 2.0), nothing)[-1]
    assert found.tolist() == [350] * ROWS


@pytest.mark.parametrize(("spread", "all_scored"), [(1e-4, True), (1.0, False)])
def test_where_too_many_may_be_the_best_all_are_scored(monkeypatch, spread, all_scored):
    rng = np.random.default_rng(0)
    states = tf.constant(rng.normal(size=(ROWS, WIDTH)), tf.float32)
    screen, called = Screen(head_of(1 + spread * rng.normal(size=(WORDS, WIDTH)))), []
    whole = screen._best
    monkeypatch.setattr(screen, "_best", lambda *x: called.append(1) or whole(*x))
    found = screen.likeliest(states, None).numpy()
    scores = states.numpy() @ screen.table.numpy().T
    np.testing.assert_allclose(scores[np.arange(ROWS), found], scores.max(axis=1), atol=1e-6)
    assert bool(called) == all_scored
    assert WORDS > 2 * BLOCKS * SIZE


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(compiled, "LEAST_WORDS", 0)
    monkeypatch.setattr(compiled, "LEAST_STEPS", 0)


@pytest.mark.parametrize("kind", ["encoder-decoder", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_texts_are_those_of_the_whole_product(small, kind, monkeypatch):
    used = []
    real = Screen.likeliest
    monkeypatch.setattr(Screen, "likeliest", lambda *x: used.append(1) or real(*x))
    model = tiny_writer(kind)
    inputs = with_segments(model, rows())
    options = {"max_new_tokens": 7, "min_new_tokens": 2, "no_repeat_ngram_size": 2}
    options["suppress_tokens"] = (START, START + 1)
    found = generate(model, inputs, **options)
    assert used
    assert found.tolist() == generate(model, inputs, jit_compile=False, **options).tolist()


def test_when_words_are_screened(small, monkeypatch):
    model = tiny_writer("gpt2")

    def screened(rows=2, **options):
        return compiled.screens(model, GenerationOptions(**options), rows)

    assert screened() and screened(do_sample=True, top_k=1)
    assert not screened(num_beams=2)
    assert not screened(do_sample=True)
    assert not screened(rows=compiled.MOST_ROWS + 1)
    monkeypatch.setattr(compiled, "LEAST_WORDS", VOCAB + 1)
    assert not screened()
