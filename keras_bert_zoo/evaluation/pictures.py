"""Pictures of a run: learning curve, confusion matrix, size against accuracy and latency.

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
    """One model in the picture of sizes."""

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


def sizes(axes: Axes, points: Sequence[Point], baselines: Mapping[str, float]) -> None:
    """Accuracy against size; the area of a disc is the median latency of one text."""
    largest = max(point.milliseconds for point in points)
    for index, point in enumerate(points):
        area = 900 * point.milliseconds / largest
        axes.scatter(point.megabytes, 100 * point.accuracy, s=area, alpha=0.5, color=f"C{index}")
        axes.annotate(
            f"{point.name} {point.milliseconds:.1f} ms",
            (point.megabytes, 100 * point.accuracy),
            xytext=(0, 12 + 13 * (index % 3)),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    for name, accuracy in baselines.items():
        axes.axhline(100 * accuracy, color="grey", linestyle=":", linewidth=1)
        axes.annotate(
            name, (1, 100 * accuracy), xycoords=("axes fraction", "data"), ha="right", va="bottom",
            fontsize=8, color="grey",
        )  # fmt: skip
    axes.margins(0.25)
    axes.set_xlabel("size, MB (disc area: median latency of one text)")
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
    sizes(right, points, baselines)
    figure.savefig(path)
    return path
