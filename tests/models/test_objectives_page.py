"""The code on docs/pretraining-objectives.md runs."""

from __future__ import annotations

import pathlib
import re

import pytest

PAGE = pathlib.Path(__file__).parents[2] / "docs/pretraining-objectives.md"


@pytest.mark.slow
def test_the_page_runs():
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(compile(block, str(PAGE), "exec"), {})
