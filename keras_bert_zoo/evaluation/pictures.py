"""Pictures of a run: learning curve, confusion matrix, costs, calibration.

Needs matplotlib, which the extra ``quickstart`` brings.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import ConfusionMatrixDisplay

from keras_bert_zoo.evaluation.calibration import Reliability

matplotlib.use("Agg")


class Point(NamedTuple):
    """One model in the picture of costs."""

    name: str
    megabytes: float
    accuracy: float
    milliseconds: float


def learning_curve(axes: Axes, history: Mapping[str, Sequence[float]], metric: str) -> None:
    """One metric by epoch: training, and validation where it was computed."""
    curves = {metric: ("training", "C0--o"), f"val_{metric}": ("validation", "C1-s")}
    for key, (label, style) in curves.items():
        if key in history:
            axes.plot(np.arange(1, len(history[key]) + 1), history[key], style, label=label)
    axes.set_ylabel(metric)
    axes.margins(y=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # A loss falls and a score rises; "best" looks for room, and warns where that takes it long.
    place: Literal["upper right", "lower right"] = (
        "upper right" if metric == "loss" else "lower right"
    )
    axes.legend(fontsize=8, handlelength=4, loc=place)


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


def costs(axes: Axes, points: Sequence[Point], baselines: Mapping[str, float], texts: int) -> None:
    """Accuracy against the median latency of one of ``texts``; a ring's area is the size."""
    largest = max(point.megabytes for point in points)
    # Rings and not discs: artifacts that are equally fast and right lie on each other.
    for index, point in enumerate(sorted(points, key=lambda point: point.milliseconds)):
        axes.plot(
            point.milliseconds,
            100 * point.accuracy,
            "o",
            markersize=30 * (point.megabytes / largest) ** 0.5,
            fillstyle="none",
            markeredgewidth=2,
            color=f"C{index}",
            label=f"{point.name}: {point.megabytes:.0f} MB, {point.milliseconds:.1f} ms, "
            f"{point.accuracy:.1%}",
        )
    scores = [100 * point.accuracy for point in points]
    # At least two points of accuracy, so that one text more or less does not look like much.
    middle, half = (max(scores) + min(scores)) / 2, max(1.0, max(scores) - min(scores))
    axes.set_ylim(middle - 3 * half, middle + half)
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.legend(fontsize=8, loc="lower right", markerscale=0.3)
    below = "\n".join(f"{name}: {accuracy:.1%}" for name, accuracy in baselines.items())
    axes.text(0.02, 0.04, below, transform=axes.transAxes, fontsize=8, color="grey")
    axes.set_xlabel("median latency of one text, ms (area of a ring: size)")
    axes.set_ylabel("accuracy, %")
    axes.set_title(f"What each artifact costs and keeps ({texts:,} test texts)")


def reliability_diagrams(
    path: pathlib.Path, panels: Mapping[str, Reliability], data: str
) -> pathlib.Path:
    """Draws how often decisions are right against how sure they are, side by side, into a PNG.

    Niculescu-Mizil & Caruana 2005; the area of a point is the share of decisions in its bin.
    """
    figure = Figure(figsize=(5 * len(panels), 4.8), layout="constrained", dpi=110)
    for axes, (name, bins) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
        axes.plot(bins.confidence, bins.accuracy, color="C0", linewidth=1)
        axes.scatter(bins.confidence, bins.accuracy, s=600 * bins.share, color="C0", alpha=0.6)
        axes.set_title(f"{data}, {name}: calibration error {bins.error:.1%}")
        axes.set_xlabel("probability of what was decided")
        axes.set_ylabel("share that is right")
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.savefig(path)
    return path


def one_page(
    path: pathlib.Path,
    *,
    history: Mapping[str, Sequence[float]],
    truth: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    points: Sequence[Point],
    baselines: Mapping[str, float],
    texts: int,
) -> pathlib.Path:
    """Draws learning curves, confusion and costs side by side into a PNG."""
    figure = Figure(figsize=(16, 4.8), layout="constrained", dpi=110)
    places: Any = [["loss", "confusion", "costs"], ["accuracy", "confusion", "costs"]]
    axes: dict[str, Axes] = figure.subplot_mosaic(places, width_ratios=(1, 1, 1.3))
    for metric in ("loss", "accuracy"):
        learning_curve(axes[metric], history, metric)
    axes["loss"].set_title("Learning curve")
    axes["accuracy"].set_xlabel("epoch")
    confusion_matrix(axes["confusion"], truth, predicted, labels)
    costs(axes["costs"], points, baselines, texts)
    figure.savefig(path)
    return path
