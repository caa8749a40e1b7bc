"""The classes of characters that the page in examples/web uses are the reference's."""

from __future__ import annotations

import pathlib
import runpy

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "build_web_tables.py"


@pytest.mark.slow
def test_the_written_file_is_what_the_script_writes():
    script = runpy.run_path(str(SCRIPT))
    assert script["TARGET"].read_text(encoding="utf-8") == script["content"]()


def test_ranges_join_neighbours():
    ranges = runpy.run_path(str(SCRIPT))["ranges"]
    assert list(ranges([0, 1, 2, 5, 7, 8])) == [(0, 2), (5, 5), (7, 8)]
    assert list(ranges([])) == []
