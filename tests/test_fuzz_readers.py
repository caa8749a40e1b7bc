"""Damaged files make readers raise what they state, and nothing else."""

from __future__ import annotations

import pytest
from fuzz_readers import fuzz
from readers import READERS


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name: str) -> None:
    inputs = 2 + READERS[name].share // 4
    assert fuzz(name, inputs, seed=1).total() >= inputs


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_many_damaged_files(name: str) -> None:
    counts = fuzz(name, 10 * READERS[name].share, seed=2)
    # Damage that nobody notices, or that ends all reading at once, would prove nothing.
    assert 0 < counts["read"] < counts.total()
