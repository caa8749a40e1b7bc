"""Pairs of texts beside the algorithm as Google published it, written down in plain Python."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from scipy import stats

from keras_bert_zoo.data.pretraining.block import Block
from keras_bert_zoo.data.pretraining.options import BatchOptions
from keras_bert_zoo.data.pretraining.sentence_pairs import plan_pairs

WIDTH = 48
PASSES = 20


def documents_of(count, seed=0, longest=40):
    """Lengths of sentences in documents: many of one sentence, some sentences longer than a row."""
    generator = np.random.default_rng(seed)
    return [
        np.minimum(generator.geometric(0.09, generator.geometric(0.15)), longest).tolist()
        for _ in range(count)
    ]


def block_of(documents):
    """Lengths as a block; the tokens themselves are not needed."""
    return Block((), np.cumsum(np.concatenate(documents)), np.cumsum([len(d) for d in documents]))


def published(documents, capacity, short_seq_prob, rng):
    """Pairs (tokens of A, tokens of B, label); a token is its place in the stream."""
    stream, place = [], 0
    for document in documents:
        ends = np.cumsum([place, *document])
        stream.append([list(range(a, b)) for a, b in itertools.pairwise(ends)])
        place = ends[-1]
    pairs = []
    for index, document in enumerate(stream):
        target = capacity
        if rng.random() < short_seq_prob:
            target = rng.randint(2, capacity)
        chunk, length, i = [], 0, 0
        while i < len(document):
            chunk.append(document[i])
            length += len(document[i])
            if i == len(document) - 1 or length >= target:
                split = rng.randint(1, len(chunk) - 1) if len(chunk) >= 2 else 1
                first = [*itertools.chain(*chunk[:split])]
                elsewhere = len(chunk) == 1 or rng.random() < 0.5
                if elsewhere:
                    other = index
                    while other == index:
                        other = rng.randint(0, len(stream) - 1)
                    second = []
                    for sentence in stream[other][rng.randint(0, len(stream[other]) - 1) :]:
                        second = second + sentence
                        if len(second) >= target - len(first):
                            break
                    i -= len(chunk) - split
                else:
                    second = [*itertools.chain(*chunk[split:])]
                while len(first) + len(second) > capacity:
                    longer = first if len(first) > len(second) else second
                    del longer[0 if rng.random() < 0.5 else -1]
                pairs.append((first, second, int(elsewhere)))
                chunk, length = [], 0
            i += 1
    return pairs


def planned(block, options, seed):
    """The same form from the plan."""
    rows = plan_pairs(block, options, np.random.default_rng(seed))
    ends = rows.starts + rows.lengths
    texts = [list(range(a, b)) for a, b in zip(rows.starts, ends, strict=True)]
    return list(zip(texts[::2], texts[1::2], rows.labels.tolist(), strict=True))


@pytest.fixture(scope="module")
def passes():
    """Pairs of many passes over one corpus: ours and the published ones."""
    documents = documents_of(150)
    options = BatchOptions(max_length=WIDTH)
    ours = [planned(block_of(documents), options, seed) for seed in range(PASSES)]
    theirs = [
        published(documents, options.capacity, 0.1, random.Random(seed)) for seed in range(PASSES)
    ]
    return documents, ours, theirs


MEASURES = {
    "tokens of A": lambda pair: len(pair[0]),
    "tokens of B": lambda pair: len(pair[1]),
    "tokens": lambda pair: len(pair[0]) + len(pair[1]),
    "where A starts": lambda pair: pair[0][0],
    "where B starts": lambda pair: pair[1][0],
    "where B ends": lambda pair: pair[1][-1],
    "tokens of random Bs": lambda pair: len(pair[1]) * pair[2],
    "tokens of following Bs": lambda pair: len(pair[1]) * (1 - pair[2]),
}


@pytest.mark.parametrize("name", MEASURES)
def test_pairs_are_distributed_as_published(passes, name):
    _, ours, theirs = passes
    a, b = ([MEASURES[name](pair) for one in side for pair in one] for side in (ours, theirs))
    assert stats.ks_2samp(a, b).pvalue > 0.01


def test_there_are_as_many_and_as_many_random_ones(passes):
    _, ours, theirs = passes
    for count in (len, lambda one: sum(pair[2] for pair in one)):
        a, b = ([count(pairs) for pairs in side] for side in (ours, theirs))
        assert stats.ttest_ind(a, b).pvalue > 0.01


def test_the_second_text_follows_or_is_from_another_document(passes):
    documents, ours, _ = passes
    document_of = np.repeat(np.arange(len(documents)), [sum(d) for d in documents])
    ends = set(np.cumsum(np.concatenate(documents)).tolist())
    for first, second, label in ours[0]:
        assert (document_of[first[0]] != document_of[second[0]]) == label
        assert len({*document_of[first].tolist()}) == len({*document_of[second].tolist()}) == 1
        if not label:
            # Truncation may have cut both sides of the sentence's end between them.
            assert any(place in ends for place in range(first[-1] + 1, second[0] + 1))
        if len(first) + len(second) < WIDTH - 3:
            assert first[-1] + 1 in ends and second[-1] + 1 in ends


def test_the_sentences_that_were_not_used_are_put_back(passes):
    documents, ours, _ = passes
    bounds = np.cumsum([sum(d) for d in documents]).tolist()
    seen = 0
    for (first, second, label), (following, *_) in itertools.pairwise(ours[0]):
        whole = len(first) + len(second) < WIDTH - 3
        if whole and len(following) < WIDTH // 2 - 2:
            end = first[-1] + 1 if label else second[-1] + 1
            assert following[0] == end
            seen += label and end not in bounds
    assert seen > 20


def test_half_of_the_pairs_are_random_where_there_are_two_sentences():
    block = block_of([[3] * 400 for _ in range(10)])
    # Short pairs may be of one sentence, and are random then.
    options = BatchOptions(max_length=64, short_seq_prob=0.0)
    pairs = [p for seed in range(5) for p in planned(block, options, seed)]
    share = np.mean([pair[2] for pair in pairs])
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(len(pairs))


def test_one_document_in_ten_has_short_pairs():
    block = block_of([[1] * 600 for _ in range(2000)])
    rows = plan_pairs(block, BatchOptions(max_length=64), np.random.default_rng(0))
    longest = np.zeros(2000, int)
    np.maximum.at(longest, rows.starts[::2] // 600, rows.lengths.reshape(-1, 2).sum(axis=1))
    # All 61 tokens are drawn for one in sixty of the short ones.
    rate = 0.1 * 59 / 60
    assert abs(np.mean(longest < 61) - rate) < 5 * np.sqrt(rate * (1 - rate) / 2000)
    # Any length is as likely; sentences of one token meet it.
    counts = np.bincount(longest[longest < 61], minlength=61)[2:]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_a_corpus_of_one_document_takes_the_second_text_from_it():
    assert {p[2] for p in planned(block_of([[4] * 50]), BatchOptions(max_length=32), 0)} == {0, 1}


def test_of_sentence_order_half_are_swapped():
    documents = [[3] * 90 for _ in range(60)]
    options = BatchOptions(max_length=32, sentences="order")
    pairs = planned(block_of(documents), options, 1)
    for first, second, label in pairs:
        early, late = (second, first) if label else (first, second)
        assert early[0] // 270 == late[0] // 270
        assert early[-1] < late[0] <= early[-1] + 10
    share = np.mean([pair[2] for pair in pairs])
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(len(pairs))
    # Chunks follow each other: nothing is put back.
    starts = [min(first[0], second[0]) for first, second, _ in pairs]
    assert (np.diff(starts) > 0).all()


def test_of_two_equally_long_texts_the_second_is_cut():
    # Two sentences of 10 for 15 tokens: 5 are cut, first from B, and then by turns.
    options = BatchOptions(max_length=18, short_seq_prob=0.0, max_predictions_per_seq=3)
    pairs = planned(block_of([[10, 10]] * 400), options, 2)
    assert {(len(first), len(second)) for first, second, _ in pairs} == {(8, 7)}
    front = np.bincount([second[0] % 10 for _, second, _ in pairs], minlength=4)
    expected = len(pairs) * np.array([1, 3, 3, 1]) / 8
    assert stats.chisquare(front[:4], expected).pvalue > 1e-3
