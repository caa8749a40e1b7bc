"""Scores of models that write and differ in their seeds."""

from __future__ import annotations

import json
import pathlib
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import keras_bert_zoo
from keras_bert_zoo.atomic import write_text

Scores = dict[str, float]


def scores_of(
    bundles: Sequence[pathlib.Path],
    texts: Sequence[str],
    beams: int,
    scored: Callable[[list[str]], Scores],
) -> dict[str, Any]:
    """What models write of texts, scored: ``model``; nothing without a model.

    Args:
        bundles: a model of each seed.
        texts: what is read.
        beams: of the search.
        scored: the scores of what was written.
    """
    models: list[Scores] = []
    for path in bundles:
        ask = keras_bert_zoo.predictor(path, options={"num_beams": beams})
        models.append(scored([answer["generated_text"] for answer in ask(list(texts))]))
        print(path, models[-1], flush=True)
    return {"model": _summary(models) | {"beams": beams}} if models else {}


def publish(found: dict[str, Any], path: pathlib.Path) -> None:
    """Writes and prints what was found."""
    text = json.dumps(found, indent=2) + "\n"
    write_text(path, text)
    print(text, end="")


def _summary(models: list[Scores]) -> dict[str, dict[str, Any]]:
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
