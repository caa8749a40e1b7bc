"""The code on docs/other-tasks.md runs, and answers with the keys that the page shows."""

from __future__ import annotations

import ast
import json
import pathlib
import re

import keras_bert_zoo

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "other-tasks.md"


def value_of_last_line(code, names):
    """Runs code whose last statement is an expression."""
    *before, last = ast.parse(code).body
    exec(compile(ast.Module(before, []), "page", "exec"), names)
    return eval(compile(ast.Expression(last.value), "page", "eval"), names)


def test_code_of_the_page(checkpoint, tokenizer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encoder = keras_bert_zoo.load(checkpoint).model
    models = {
        "swag": keras_bert_zoo.MultipleChoice(encoder),
        "pretrained": keras_bert_zoo.PretrainingModel(encoder),
    }
    for name, model in models.items():
        keras_bert_zoo.save(model, tokenizer, pathlib.Path("runs") / name / "bundle")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names: dict[str, object] = {}
    for block in blocks:
        value = value_of_last_line(block, names)
        shown = set(re.findall(r'"(\w+)":', block.rpartition("\n# ")[2]))
        if shown:
            assert shown == set(re.findall(r'"(\w+)":', json.dumps(value)))
    totals, counts, perplexity = value
    assert len(totals) == len(counts) == 2 and (totals < 0).all() and perplexity > 1
