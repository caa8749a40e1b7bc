"""The learning curve of a pretraining run as a picture.

Needs matplotlib, which the extra ``quickstart`` brings.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("Agg")
# What is drawn, where it was measured: name in the points, title of its axes.
_PANELS = {
    "masked_lm_loss": "loss of masked words, nats",
    "masked_lm_accuracy": "masked words predicted right",
    "next_sentence_accuracy": "sentences told apart",
    "causal_lm_loss": "loss of the next token, nats",
    "causal_lm_accuracy": "next tokens predicted right",
}


def draw_curve(
    points: Sequence[Mapping[str, Any]],
    path: pathlib.Path,
    lines: Mapping[str, Mapping[str, float]] | None = None,
) -> pathlib.Path:
    """Draws losses and accuracies by step: training, and held-out text where there is some.

    Args:
        points: of ``history.jsonl``.
        path: of the PNG.
        lines: for a name of the points, values to compare with, by their labels.
    """
    names = [name for name in _PANELS if any(name in point for point in points)]
    figure = Figure(figsize=(4.6 * len(names), 3.4), layout="constrained", dpi=110)
    for axes, name in zip(np.ravel(figure.subplots(1, len(names))), names, strict=True):
        _panel(axes, points, name)
        for index, (label, value) in enumerate((lines or {}).get(name, {}).items()):
            axes.axhline(value, color=f"C{index + 2}", linestyle=":", label=label)
        axes.legend(fontsize=8, frameon=False, loc="center right")
    figure.savefig(path)
    return path


def _panel(axes: Axes, points: Sequence[Mapping[str, Any]], name: str) -> None:
    for key, label, style in ((name, "training", "C0-"), (f"val_{name}", "held out", "C1o-")):
        seen = [(point["step"], point[key]) for point in points if key in point]
        if seen:
            axes.plot(*zip(*seen, strict=True), style, label=label, markersize=4)
    axes.set_xlabel("updates")
    axes.set_title(_PANELS[name], fontsize=10)
    axes.grid(alpha=0.3)
