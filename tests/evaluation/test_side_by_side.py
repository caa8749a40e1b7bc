"""Calls in a pool: in their order, and not all at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keras_bert_zoo.evaluation.side_by_side import run_ahead


@pytest.mark.parametrize("count", [1, 2, 5])
def test_answers_have_the_order_of_the_items(count):
    def slower_for_small(item):
        time.sleep(0.01 / (item + 1))
        return -item

    with ThreadPoolExecutor(count) as pool:
        assert list(run_ahead(pool, count, slower_for_small, range(20))) == [-n for n in range(20)]


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        answers = run_ahead(pool, 2, str, items())
        assert [next(answers), next(answers)] == ["0", "1"]
        assert len(taken) == 4


def test_an_error_reaches_who_asks():
    with ThreadPoolExecutor(2) as pool:
        answers = run_ahead(pool, 2, lambda item: 1 / item, [1, 0, 2])
        assert next(answers) == 1
        with pytest.raises(ZeroDivisionError):
            next(answers)


def test_no_items_give_no_answers():
    with ThreadPoolExecutor(1) as pool:
        assert list(run_ahead(pool, 1, str, [])) == []
