"""Sentences chosen greedily and without repetition, and ROUGE of any script."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer, tokenizers

from keras_bert_zoo.evaluation.extracts import TYPES, oracle, rouge, select, words

TEXTS = st.lists(st.sampled_from("abcde"), max_size=7).map(" ".join)
DOCUMENTS = st.lists(TEXTS, min_size=1, max_size=7)


def runs(text, size):
    tokens = words(text)
    return [tuple(tokens[at : at + size]) for at in range(len(tokens) - size + 1)]


def value(sentences, reference):
    """ROUGE-1 + ROUGE-2 of sentences, with loops and counters."""
    total = 0.0
    for size in (1, 2):
        mine = Counter(run for sentence in sentences for run in runs(sentence, size))
        theirs = Counter(runs(reference, size))
        shared = (mine & theirs).total()
        total += 2 * shared / (mine.total() + theirs.total()) if shared else 0.0
    return total


def plain_greedy(sentences, reference, most):
    """The steps of the greedy search: what is held after each."""
    held, steps = [], []
    while len(held) < most:
        gains = [
            -1.0 if i in held else value([sentences[j] for j in [*held, i]], reference)
            for i in range(len(sentences))
        ]
        best = int(np.argmax(np.round(gains, 12)))
        before = value([sentences[j] for j in held], reference)
        if gains[best] <= before + 1e-12:
            break
        held.append(best)
        steps.append(gains[best])
    return sorted(held), steps


@given(DOCUMENTS, TEXTS, st.integers(1, 4))
def test_the_oracle_is_greedy_and_never_gets_worse(sentences, reference, most):
    found = oracle(sentences, reference, most)
    assert found == sorted(set(found))
    assert len(found) <= most
    chosen, steps = plain_greedy(sentences, reference, most)
    assert value([sentences[i] for i in found], reference) == pytest.approx(
        value([sentences[i] for i in chosen], reference)
    )
    assert steps == sorted(steps)
    fewer = oracle(sentences, reference, most - 1) if most > 1 else []
    assert set(fewer) <= set(found)
    assert value([sentences[i] for i in found], reference) >= value(
        [sentences[i] for i in fewer], reference
    )


def test_the_oracle_of_a_text_that_is_its_own_summary():
    sentences = ["the cat sat", "a dog ran off", "今天下雨了", "nothing"]
    assert oracle(sentences, "今天下雨。 A dog ran", 3) == [1, 2]
    assert oracle(sentences, "quite other words", 3) == []
    assert oracle(sentences, "", 3) == []


@given(DOCUMENTS, st.integers(1, 4), st.integers(0, 3), st.integers(0, 99))
def test_no_two_chosen_sentences_share_a_run(sentences, most, block, seed):
    scores = np.random.default_rng(seed).random(len(sentences))
    chosen = select(scores, sentences, most=most, threshold=0.2, block=block)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= most
    assert all(scores[index] >= 0.2 for index in chosen)
    shared = Counter(run for i in chosen for run in set(runs(sentences[i], block))) if block else {}
    assert all(count == 1 for count in shared.values())
    # What was left out has a reason: too low, too many, or it repeats a better one.
    for index in set(range(len(sentences))) - set(chosen):
        better = [i for i in chosen if scores[i] > scores[index]]
        mine = set(runs(sentences[index], block)) if block else set()
        repeats = any(mine & set(runs(sentences[i], block)) for i in better)
        assert scores[index] < 0.2 or len(better) == most or repeats


def test_blocking_in_the_order_of_the_text():
    sentences = ["we show that it works", "So we SHOW that again.", "other words", "we shows that"]
    scores = np.array([0.5, 0.9, 0.1, 0.4])
    assert select(scores, sentences, most=3, block=3) == [1, 2, 3]  # endings count
    assert select(scores, sentences, most=3, block=0) == [0, 1, 3]
    assert select(scores, sentences, most=3, threshold=0.5, block=0) == [0, 1]
    assert select(scores, sentences, most=2, threshold=0.95) == []


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_words_of_ascii_are_those_of_the_library(text):
    assert words(text) == tokenizers.DefaultTokenizer(use_stemmer=True).tokenize(text)


def test_words_of_other_scripts():
    assert words("今天 BERT很好, GPT4!") == ["今", "天", "bert", "很", "好", "gpt4"]
    assert words("カメラ") == ["カ", "メ", "ラ"]
    assert words("Привет, мир") == ["привет", "мир"]


def test_scores():
    extracts = ["The cats are sleeping.\nIt rains.", "b"]
    references = ["It rained.\nA cat sleeps.", "a"]
    found = rouge(extracts, references)
    library = rouge_scorer.RougeScorer(TYPES, use_stemmer=True)
    for kind in TYPES:
        expected = library.score(references[0], extracts[0])[kind].fmeasure
        assert found[kind] == pytest.approx(expected / 2)
    assert found["rougeLsum"] > found["rougeL"] > 0
    # The library alone finds nothing in common.
    assert rouge(["今天下雨。"], ["今天下雪。"])["rouge1"] == pytest.approx(3 / 4)
    assert library.score("今天下雪。", "今天下雨。")["rouge1"].fmeasure == 0
