"""The plain Keras script of the guide, run on a tiny checkpoint."""

from __future__ import annotations

import pathlib
import re

import pytest

import keras_bert_zoo

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "finetune_classifier.py"


def code_lines():
    body = EXAMPLE.read_text(encoding="utf-8").split('"""', 2)[2]
    return [line for line in body.splitlines() if line.strip()]


def test_it_is_short_and_stands_in_the_guide():
    lines = code_lines()
    assert len(lines) < 15
    guide = (ROOT / "docs" / "finetuning.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    assert lines in [[line for line in block.splitlines() if line.strip()] for block in blocks]


@pytest.mark.slow
def test_it_trains_and_saves(checkpoint, data, tmp_path):
    replaced = {
        '["negative", "neutral", "positive"]': '["bad", "good"]',
        "all-minilm-l6-v2": str(checkpoint),
        "tweets://train": str(data["train"]),
        "max_length=64": "max_length=20",
        "runs/my-tweets": str(tmp_path / "bundle"),
    }
    code = "\n".join(code_lines())
    for old, new in replaced.items():
        assert old in code
        code = code.replace(old, new)
    names: dict[str, object] = {}
    exec(code, names)
    history = names["bundle"].model.history.history["loss"]
    assert len(history) == 2
    assert keras_bert_zoo.load(tmp_path / "bundle").config.labels == ("bad", "good")
