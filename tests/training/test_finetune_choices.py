"""Choices and next sentences are learnt from files by the command's own code."""

from __future__ import annotations

import json
import pathlib

import numpy as np
import pytest

from keras_bert_zoo import load
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

pytestmark = pytest.mark.slow
WORDS = [f"w{i}" for i in range(30)]


def words(generator, *more):
    found = [*generator.choice(WORDS, generator.integers(1, 4)), *more]
    return " ".join(generator.permutation(found))


def choice(generator):
    """The right one of three holds "good"."""
    label = int(generator.integers(3))
    choices = [words(generator, "good" if index == label else "bad") for index in range(3)]
    return {"sent1": words(generator), "sent2": "w1", "label": label} | {
        f"ending{index}": text for index, text in enumerate(choices)
    }


def pair(generator):
    """What follows holds "good"."""
    label = int(generator.integers(2))
    second = words(generator, ["good", "bad"][label])
    return {"text": words(generator), "text_pair": second, "label": ["follows", "random"][label]}


@pytest.mark.parametrize(
    ("task", "make", "seed"),
    [("multiple_choice", choice, 1), ("next_sentence", pair, 2)],
    ids=["choice", "next"],
)
def test_a_tiny_model_learns(task, make, seed, checkpoint, tmp_path):
    # So small a model learns from 203 rows with some seeds only.
    files = {}
    for part, (name, count) in enumerate({"train": 203, "validation": 40, "test": 40}.items()):
        generator = np.random.default_rng(part)
        files[name] = str(tmp_path / f"{name}.jsonl")
        with pathlib.Path(files[name]).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(make(generator)) + "\n" for _ in range(count))
    recipe = FinetuneRecipe(
        model=str(checkpoint), output=str(tmp_path / "run"), task=task, **files, max_length=20,
        batch_size=8, learning_rate=5e-3, epochs=6, seed=seed,
    )  # fmt: skip
    result = finetune(recipe, verbose=0)
    assert result.metrics["test"]["accuracy"] > 0.9, result.metrics
    assert result.history[-1]["loss"] < result.history[0]["loss"]
    assert load(result.bundle, task=task, fresh_head=False).model.task == task
