"""What is measured while a run trains: means of the steps, speed, the learning curve."""

from __future__ import annotations

import json
import math
import pathlib
import time
from collections.abc import Mapping
from typing import Any

# The losses of words; a model has one of them.
_WORD_LOSSES = ("masked_lm_loss", "causal_lm_loss")


class Window:
    """Means over the steps since it was last emptied.

    Args:
        flops_per_token: operations of the training step for each token.
        peak_flops: what all devices can do in a second; ``None`` where it is not known.
    """

    def __init__(self, flops_per_token: float, peak_flops: float | None) -> None:
        self.flops_per_token = flops_per_token
        self.peak_flops = peak_flops
        self.clear()

    def clear(self) -> None:
        """Starts again."""
        self.steps = 0
        self.seconds = 0.0
        self.tokens = 0.0
        self.sums: dict[str, float] = {}

    def start(self) -> None:
        """A step begins."""
        self.began = time.perf_counter()

    def add(self, logs: Mapping[str, float], *, timed: bool = True) -> None:
        """A step ended; the first of a program is not timed: it is traced as well."""
        self.steps += 1
        for name, value in logs.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)
        if timed:
            self.seconds += time.perf_counter() - self.began
            self.tokens += float(logs["tokens"])

    def means(self) -> dict[str, float]:
        """The values to show: means, the perplexity of words, tokens a second."""
        values = {name: total / self.steps for name, total in self.sums.items()}
        del values["tokens"]
        values = with_perplexity(values)
        if self.seconds:
            values["tokens_per_second"] = rate = self.tokens / self.seconds
            if self.peak_flops:
                values["flops_utilisation"] = rate * self.flops_per_token / self.peak_flops
        return values


def with_perplexity(values: dict[str, float]) -> dict[str, float]:
    """Adds ``perplexity``: the exponential of the loss of masked words, or of next tokens."""
    # Beyond this float32, which TensorBoard takes, would overflow.
    found = [math.exp(min(values[name], 80.0)) for name in _WORD_LOSSES if name in values]
    return {**values, "perplexity": found[0]} if found else values


class Journal:
    """The learning curve of a run as ``history.jsonl``, one point a line.

    Args:
        path: of the file.
        step: where the run goes on; later points, of a run that was cut off, are removed.
    """

    def __init__(self, path: pathlib.Path, step: int = 0) -> None:
        self.path = path
        self.points = [point for point in read_points(path) if point["step"] <= step]
        self._write()

    def add(self, point: dict[str, Any]) -> None:
        """Appends a point."""
        self.points.append(point)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(point) + "\n")

    def _write(self) -> None:
        lines = (json.dumps(point) + "\n" for point in self.points)
        self.path.write_text("".join(lines), encoding="utf-8")


def read_points(path: pathlib.Path) -> list[dict[str, Any]]:
    """The points of a file; a last line that a kill cut off is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]
