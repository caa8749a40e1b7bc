"""Scores of models that differ in their seeds."""

from __future__ import annotations

import statistics
from typing import Any


def summary(models: list[dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Of each score the values of all seeds, their mean and their standard deviation."""
    values = {name: [scores[name] for scores in models] for name in models[0]}
    return {
        name: {
            "seeds": each,
            "mean": statistics.mean(each),
            "spread": statistics.stdev(each) if len(each) > 1 else None,
        }
        for name, each in values.items()
    }
