"""The golden checkpoints, and files made from them."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable

import pytest

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


@pytest.fixture
def copy_golden(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """Copies a golden checkpoint to where a test may damage it."""

    def copy(name: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(GOLDEN / name, tmp_path / name))

    return copy
