"""Pictures of a run: learning curve, confusion matrix, accuracy against latency and size.

Needs matplotlib, which the extra ``quickstart`` brings.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import ConfusionMatrixDisplay

matplotlib.use("Agg")


class Point(NamedTuple):
    """One model in the picture of costs."""

    name: str
    megabytes: float
    accuracy: float
    milliseconds: float


def learning_curve(axes: Axes, history: Mapping[str, Sequence[float]]) -> None:
    """Loss and accuracy by epoch; validation beside training."""
    accuracy = axes.twinx()
    styles = {"loss": (axes, "C3"), "accuracy": (accuracy, "C0")}
    for metric, (side, colour) in styles.items():
        for key, dash in ((metric, "--"), (f"val_{metric}", "-")):
            if key in history:
                epochs = np.arange(1, len(history[key]) + 1)
                side.plot(epochs, history[key], dash, color=colour, marker="o", label=key)
        side.set_ylabel(metric, color=colour)
        side.margins(y=0.3)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    lines = [line for side in (axes, accuracy) for line in side.get_lines()]
    accuracy.legend(
        lines, [str(line.get_label()) for line in lines], fontsize=8, loc="upper center", ncols=2
    )
    axes.set_title("Learning curve")


def confusion_matrix(
    axes: Axes, truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]
) -> None:
    """Share of each true class (rows) that was given each label (columns)."""
    ConfusionMatrixDisplay.from_predictions(
        truth,
        predicted,
        labels=list(labels),
        normalize="true",
        values_format=".0%",
        cmap="Blues",
        colorbar=False,
        ax=axes,
    )
    axes.set_title("Confusion on the test split")


def costs(axes: Axes, points: Sequence[Point], baselines: Mapping[str, float]) -> None:
    """Accuracy against the median latency of one text; the area of a disc is the size."""
    largest = max(point.megabytes for point in points)
    for index, point in enumerate(sorted(points, key=lambda point: point.milliseconds)):
        place = (point.milliseconds, 100 * point.accuracy)
        axes.scatter(*place, s=900 * point.megabytes / largest, alpha=0.5, color=f"C{index}")
        axes.annotate(
            f"{point.name}\n{point.megabytes:.0f} MB",
            place,
            # High and low in turn: neighbours are often equally fast.
            xytext=(0, 44 if index % 2 else 16),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    for name, accuracy in baselines.items():
        axes.axhline(100 * accuracy, color="grey", linestyle=":", linewidth=1)
        place = (0.01, 100 * accuracy)
        axes.annotate(
            name,
            place,
            xycoords=("axes fraction", "data"),
            xytext=(0, -10),
            textcoords="offset points",
            fontsize=8,
            color="grey",
        )
    axes.margins(x=0.25, y=0.45)
    axes.set_xlim(left=0)
    axes.set_xlabel("median latency of one text, ms (disc area: size)")
    axes.set_ylabel("accuracy, %")
    axes.set_title("What each artifact costs and keeps")


def one_page(
    path: pathlib.Path,
    *,
    history: Mapping[str, Sequence[float]],
    truth: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    points: Sequence[Point],
    baselines: Mapping[str, float],
) -> pathlib.Path:
    """Draws the three pictures side by side into a PNG."""
    figure = Figure(figsize=(16, 4.8), layout="constrained", dpi=110)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.3))
    learning_curve(left, history)
    confusion_matrix(middle, truth, predicted, labels)
    costs(right, points, baselines)
    figure.savefig(path)
    return path
