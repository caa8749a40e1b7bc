"""The search for answers beside plain loops over all pairs of tokens."""

from __future__ import annotations

import numpy as np
import pytest

from keras_bert_zoo.data.rows import EncodedTexts
from keras_bert_zoo.data.windows import Windows
from keras_bert_zoo.evaluation import spans
from keras_bert_zoo.evaluation.spans import best_spans

QUESTION = 3  # tokens before the context, and one after it
LONGEST = 4


@pytest.fixture(params=[1, 2, 3])
def case(request):
    """Rows of 5 questions, of which the fourth has an empty context, and their logits."""
    random = np.random.default_rng(request.param)
    owners = np.array([0, 1, 1, 1, 2, 3, 4, 4])
    sizes = np.array([6, 7, 7, 2, 1, 0, 7, 3])
    offsets, first = [], 0
    for index, (owner, size) in enumerate(zip(owners, sizes, strict=True)):
        # Rows of one text overlap by two tokens; a token is two characters, then a space.
        first = first + sizes[index - 1] - 2 if index and owners[index - 1] == owner else 0
        begin = 3 * (first + np.arange(size)) + 1
        empty = np.zeros((1, 2), int)
        context = np.stack([begin, begin + 2], axis=1)
        offsets += [np.repeat(empty, QUESTION, 0), context, empty]
    lengths = sizes + QUESTION + 1
    ids = np.ones(lengths.sum(), "int32")
    encoded = EncodedTexts(ids, ids, lengths, 0)
    windows = Windows(encoded, owners, np.concatenate(offsets), np.where(ids == 0, -1, 1))
    logits = tuple(random.normal(size=lengths.sum()).astype("float32") for _ in range(2))
    return windows, logits


def by_loops(windows, logits, n_best):
    """All parts of each question with their best scores."""
    found = [{} for _ in range(5)]
    nulls = [float("inf")] * 5
    cuts = np.cumsum(windows.encoded.lengths)[:-1]
    rows = [np.split(each, cuts) for each in (windows.offsets, *logits)]
    for owner, offsets, starts, ends in zip(windows.owners, *rows, strict=True):
        nulls[owner] = min(nulls[owner], float(starts[0]) + float(ends[0]))
        context = [index for index in range(len(offsets)) if offsets[index][1]]
        for first in context:
            for last in context:
                if first <= last < first + LONGEST:
                    part = (int(offsets[first][0]), int(offsets[last][1]))
                    score = float(starts[first]) + float(ends[last])
                    found[owner][part] = max(found[owner].get(part, -np.inf), score)
    ranked = [sorted(each.items(), key=lambda item: -item[1])[:n_best] for each in found]
    return ranked, nulls


@pytest.mark.parametrize("n_best", [1, 3, 20])
@pytest.mark.parametrize("at_once", [1, 100, 1 << 22])
def test_parts_and_their_order(case, n_best, at_once, monkeypatch):
    monkeypatch.setattr(spans, "_PAIRS_AT_ONCE", at_once)
    windows, logits = case
    found = best_spans(windows, logits, questions=5, n_best=n_best, max_answer_length=LONGEST)
    expected, nulls = by_loops(windows, logits, n_best)
    np.testing.assert_allclose(found.null_scores, nulls, rtol=1e-12)
    for index, (first, after) in enumerate(zip(*found.bounds, strict=True)):
        parts = list(zip(found.starts[first:after], found.ends[first:after], strict=True))
        assert parts == [part for part, _ in expected[index]]
        scores = [score for _, score in expected[index]]
        np.testing.assert_allclose(found.scores[first:after], scores, rtol=1e-12)
    best = [each[0][1] if each else -np.inf for each in expected]
    np.testing.assert_allclose(found.null_margins, np.array(nulls) - best, rtol=1e-12)
    assert found.null_margins[3] == np.inf
