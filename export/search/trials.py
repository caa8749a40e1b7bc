"""What a search tried and found; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.data.examples import Examples

from ..errors import ExportError

GOALS = ("size", "speed")


@dataclasses.dataclass(frozen=True)
class Trial:
    """One file that was tried.

    Args:
        name: of a recipe, or how many weights a mixture has in 4 bits.
        storage: of each weight, by name.
        size: bytes.
        quality: its score, see ``quality.Quality.name``.
        drop: what it lost against float32, in points (hundredths).
        milliseconds: median time of one text.
    """

    name: str
    storage: Mapping[str, str]
    size: int
    quality: float
    drop: float
    milliseconds: float


@dataclasses.dataclass(frozen=True)
class Search:
    """What a search found.

    Args:
        metric: what quality is.
        texts: on how many texts.
        max_drop: the budget, in points.
        goal: one of ``GOALS``.
        trials: all files tried, the float32 one first.
        sensitivity: for each weight alone in 4 bits, how far the outputs move, relative to
            their spread.
        best: the smallest or fastest trial within the budget.
    """

    metric: str
    texts: int
    max_drop: float
    goal: str
    trials: tuple[Trial, ...]
    sensitivity: Mapping[str, float]
    best: Trial

    def to_dict(self) -> dict[str, Any]:
        """The content of a JSON file."""
        return dataclasses.asdict(self)


def check_arguments(examples: Examples, max_drop: float, goal: str) -> None:
    """Refuses what no search can be made with."""
    if goal not in GOALS:
        raise ExportError(f"goal must be one of {GOALS}, received {goal!r}.")
    if not 0 <= max_drop <= 100:
        raise ExportError(f"max_drop must be from 0 to 100 points, received {max_drop}.")
    if not len(examples):
        raise ExportError("There are no texts to judge the files with.")
