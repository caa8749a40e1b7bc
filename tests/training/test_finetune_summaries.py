"""Summaries are learned from documents by the command's own code."""

from __future__ import annotations

import json

import numpy as np
import pytest

from keras_bert_zoo import predictor
from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

pytestmark = pytest.mark.slow
WORDS = [f"w{i}" for i in range(30)]


def document(generator, number):
    """Three to five sentences; the second one is the summary."""
    count = int(generator.integers(3, 6))
    sentences = [" ".join(generator.choice(WORDS, generator.integers(1, 4))) for _ in range(count)]
    return {"id": number, "sentences": sentences, "summary": sentences[1]}


def test_a_tiny_model_learns(checkpoint, tmp_path):
    files = {}
    for seed, (name, count) in enumerate({"train": 203, "validation": 40, "test": 40}.items()):
        generator = np.random.default_rng(seed)
        path = tmp_path / f"{name}.jsonl"
        rows = [document(generator, number) for number in range(count)]
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        files[name] = str(path)
    recipe = FinetuneRecipe(
        model=str(checkpoint), output=str(tmp_path / "run"), task="extractive_summarization",
        **files, max_length=24, batch_size=8, learning_rate=5e-3, epochs=3,
        options={"sentences": 1},
    )  # fmt: skip
    result = finetune(recipe, verbose=0)
    scores = result.metrics["test"]
    assert scores["rouge1"] > 0.9 > scores["lead_rouge1"], scores
    assert scores["oracle_rouge1"] == 1.0
    # The bundle remembers that a summary is one sentence.
    [answer] = predictor(result.bundle)(["Good w2. Bad w3. W4 w5."])
    assert [each["text"] for each in answer["selected"]] == ["Bad w3."]
