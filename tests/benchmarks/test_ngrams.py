"""The n-gram baseline: chances that sum to one, those of the formulas written down."""

from __future__ import annotations

import collections
import importlib.util
import pathlib
import sys

import numpy as np
import pytest

PATH = pathlib.Path(__file__).parents[2] / "benchmarks" / "ngrams.py"
BEGIN, WORDS = 0, 12


@pytest.fixture(scope="module")
def ngrams():
    spec = importlib.util.spec_from_file_location("ngrams", PATH)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(ngrams, texts):
    """Each begins with a token that is given."""
    lengths = [len(text) for text in texts]
    history = np.concatenate([np.arange(length) for length in lengths])
    return ngrams.Text(np.concatenate(texts).astype("int64"), history, history > 0)


def random_texts(count, seed):
    """Some words are frequent, and some pairs of them: a word and the next one in the list."""
    generator = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        words = [BEGIN]
        for _ in range(generator.integers(1, 12)):
            draw = 1 + int(10 * generator.random() ** 2)
            words.append(words[-1] % 10 + 1 if generator.random() < 0.4 else draw)
        texts.append(np.array(words))
    return texts


class Transcription:
    """The formulas, gram by gram in dictionaries."""

    def __init__(self, texts, order, discounts):
        grams = [collections.Counter() for _ in range(order)]
        for text in texts:
            for end in range(1, len(text)):
                for length in range(1, min(order, end + 1) + 1):
                    grams[length - 1][tuple(text[end + 1 - length : end + 1])] += 1
        self.counts = []
        for index, counter in enumerate(grams):
            counts = dict(counter)
            if index + 1 < order:
                before = collections.Counter(gram[1:] for gram in grams[index + 1])
                counts = {g: n if g[0] == BEGIN else before[g] for g, n in counter.items()}
            self.counts.append(counts)
        self.discounts = [discounts(np.array(list(each.values()))) for each in self.counts]

    def chance(self, word, context):
        context = tuple(context)
        shorter = self.chance(word, context[1:]) if context else 1 / WORDS
        counts, off = self.counts[len(context)], self.discounts[len(context)]
        following = {g: n for g, n in counts.items() if g[:-1] == context}
        total = sum(following.values())
        if not total:
            return shorter
        count = following.get((*context, word), 0)
        taken = sum(off[min(n, 3) - 1] for n in following.values())
        own = count - off[min(count, 3) - 1] if count else 0.0
        return (own + taken * shorter) / total


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [3, 300])
def test_chances_are_those_of_the_formulas(ngrams, order, count):
    texts, unseen = random_texts(count, 0), random_texts(20, 1)
    model = ngrams.KneserNey(text_of(ngrams, texts), WORDS, order)
    reference = Transcription([t.tolist() for t in texts], order, ngrams.discounts)
    expected = [
        -np.log(reference.chance(int(text[end]), text[max(end + 1 - order, 0) : end].tolist()))
        for text in unseen
        for end in range(1, len(text))
    ]
    np.testing.assert_allclose(model.losses(text_of(ngrams, unseen)), expected, rtol=1e-10)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_chances_of_all_words_sum_to_one(ngrams, order):
    model = ngrams.KneserNey(text_of(ngrams, random_texts(300, 0)), WORDS, order)
    # Contexts that were seen, some that were not, and one word, 11, that never was.
    for context in ([BEGIN], [BEGIN, 1, 2, 3], [BEGIN, 9, 1, 9, 1, 9], [BEGIN, 11, 2], [BEGIN, 11]):
        texts = [np.array([*context, word]) for word in range(WORDS)]
        losses = model.losses(text_of(ngrams, texts)).reshape(WORDS, len(context))
        assert np.exp(-losses[:, -1]).sum() == pytest.approx(1, abs=1e-12)


def test_longer_contexts_help_where_there_is_something_to_know(ngrams):
    seen, unseen = (text_of(ngrams, random_texts(2000, seed)) for seed in (0, 1))
    one, two, three = (
        ngrams.KneserNey(seen, WORDS, order).losses(unseen).mean() for order in (1, 2, 3)
    )
    assert two < one - 0.1
    # The text has no memory of two words: nothing is gained by them, and little lost.
    assert abs(three - two) < 0.02


def test_what_is_not_counted_is_neither_learned_nor_scored(ngrams):
    whole = text_of(ngrams, random_texts(50, 0))
    ends = np.append(whole.history[1:] == 0, True)
    cut = ngrams.Text(whole.tokens, whole.history, whole.counted & ~ends)
    kept = ngrams.Text(*(array[~ends] for array in (cut.tokens, cut.history, cut.counted)))
    losses = [ngrams.KneserNey(text, WORDS, 3).losses(kept) for text in (cut, kept)]
    np.testing.assert_allclose(*losses, rtol=1e-12)
    assert len(losses[0]) == cut.counted.sum()


def test_discounts_are_those_of_chen_and_goodman(ngrams):
    counts = np.repeat([1, 2, 3, 4, 7], [40, 16, 9, 5, 3])
    part = 40 / (40 + 2 * 16)
    expected = [1 - 2 * part * 16 / 40, 2 - 3 * part * 9 / 16, 3 - 4 * part * 5 / 9]
    np.testing.assert_allclose(ngrams.discounts(counts), expected)
    np.testing.assert_array_equal(ngrams.discounts(np.array([1, 1, 2])), [0.5, 1.0, 1.5])
