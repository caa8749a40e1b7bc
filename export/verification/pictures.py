"""Pictures of a verification and of a benchmark.

Needs matplotlib, which the extra ``quickstart`` brings.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from .report import Report, Row
from .timings import Benchmark, Timed


def of_report(report: Report) -> bytes:
    """A PNG: what each artifact loses against what it costs; size and memory."""
    figure = Figure(figsize=(13, 4.8 + _of_legend(report.rows)), layout="constrained", dpi=110)
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1))
    _loss(left, report)
    sizes(right, report.rows)
    _legend_below(figure, left)
    return png(figure)


def of_benchmark(found: Benchmark) -> bytes:
    """A PNG: latency and throughput by length, size and memory, and what was lost."""
    most = max(row.threads for row in found.rows)
    rows = [row for row in found.rows if row.threads == most]
    verified = [row for row in rows if row.verification is not None]
    height = (10 if verified else 5) + _of_legend(rows)
    figure = Figure(figsize=(13, height), layout="constrained", dpi=110)
    axes = figure.subplots(2 if verified else 1, 2, squeeze=False)
    _by_length(axes[0, 0], rows, "p50", f"Median of one text, ms ({most} threads)")
    _by_length(axes[0, 1], rows, "texts_per_second", f"Texts in a second ({most} threads)")
    if verified:
        _verified(axes[1, 0], verified)
        sizes(axes[1, 1], rows)
    _legend_below(figure, axes[0, 0])
    return png(figure)


def _by_length(axes: Axes, rows: Sequence[Timed], value: str, title: str) -> None:
    """One line for each artifact: of single texts, or of the best batch size."""
    for index, row in enumerate(rows):
        cells: dict[int, float] = {}
        for cell in row.cells:
            if value != "p50" or cell.batch_size == 1:
                cells[cell.length] = max(cells.get(cell.length, 0.0), getattr(cell, value))
        axes.plot(
            *zip(*sorted(cells.items()), strict=True), "o-", color=_colour(index), label=row.name
        )
    axes.set_xlabel("tokens")
    axes.set_ylim(bottom=0)
    axes.set_title(title)


def _verified(axes: Axes, rows: Sequence[Timed]) -> None:
    """What the last verification of each said, against its latency here."""
    rings = []
    for row in rows:
        known = dict(row.verification or {})
        lost = known.get("drop")
        losses = (known.get("max_difference", math.inf), lost, known.get("drop_interval"))
        # Of the smallest batch, usually one text, the longest.
        time = min(row.cells, key=lambda cell: (cell.batch_size, -cell.length)).p50
        rings.append(Ring(row.name, row.size, time, *losses))
    metrics = {(row.verification or {}).get("metric_name") for row in rows}
    rings_of(axes, rings, metrics.pop() if len(metrics) == 1 else None)
    axes.set_xlabel("median latency of the longest text, ms (area of a ring: size)")
    axes.set_title("What each artifact costs, and lost when it was verified")


def png(figure: Figure) -> bytes:
    """The figure as a file."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _loss(axes: Axes, report: Report) -> None:
    """What each artifact lost, against what it costs."""
    rings = [
        Ring(row.format, row.size, row.p50, _difference(row), row.drop, row.drop_interval)
        for row in report.rows
    ]
    rings_of(axes, rings, report.metric)
    axes.set_xlabel("median latency of one text, ms (area of a ring: size)")
    axes.set_title(f"What each artifact costs and loses ({report.texts:,} texts)")


def _difference(row: Row) -> float | None:
    """That of numbers, or of what was written the share of other tokens."""
    return row.max_difference if row.equal_tokens is None else 1 - row.equal_tokens


class Ring(NamedTuple):
    """One artifact in the picture of costs and losses."""

    name: str
    size: int
    milliseconds: float
    difference: float | None
    drop: float | None
    interval: Sequence[float] | None


def rings_of(axes: Axes, rings: Sequence[Ring], metric: str | None) -> None:
    """Drop of the metric, or the largest difference where there is none, against latency."""
    drops = [ring.drop for ring in rings if ring.drop is not None and math.isfinite(ring.drop)]
    metric = metric if drops else None
    largest = max(ring.size for ring in rings)
    for index, ring in enumerate(rings):
        # Rings and not discs: artifacts that are equally fast and right lie on each other.
        axes.errorbar(
            [ring.milliseconds],
            [_clipped(ring.difference) if metric is None else 100 * (ring.drop or 0.0)],
            yerr=None if metric is None else _bars(ring),
            fmt="o",
            color=_colour(index),
            fillstyle="none",
            markeredgewidth=2,
            markersize=30 * (ring.size / largest) ** 0.5,
            capsize=4,
            label=f"{ring.name}: {ring.size / 1e6:.1f} MB, {ring.milliseconds:.1f} ms",
        )
    if metric is None:
        axes.set_yscale("log")
        axes.set_ylabel("largest difference to Keras")
    else:
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set_ylabel(f"drop of {metric}, points; 95 %")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(ScalarFormatter())
    axes.margins(x=0.15, y=0.15)


_COLUMNS = 3


def _of_legend(rows: Sequence[Row] | Sequence[Timed]) -> float:
    """Inches that the names below a picture need."""
    return 0.25 * (1 + len(rows) // _COLUMNS)


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=_COLUMNS,
        fontsize=8,
        markerscale=0.3,
    )


def _colour(index: int) -> tuple[float, ...]:
    return colormaps["tab20"](index % 20)


def _bars(ring: Ring) -> list[list[float]] | None:
    if ring.drop is None or ring.interval is None:
        return None
    low, high = ring.interval
    # The bootstrap of a drop of nothing may miss it by a rounding.
    return [[max(0.0, 100 * (ring.drop - low))], [max(0.0, 100 * (high - ring.drop))]]


def _clipped(difference: float | None) -> float:
    """On a logarithmic axis nothing is 0, infinite or NaN."""
    return max(difference, 1e-9) if difference is not None and difference < 1e9 else 1e9


def sizes(axes: Axes, rows: Sequence[Row] | Sequence[Timed]) -> None:
    """Bars: size of each artifact and the memory it takes."""
    rows = rows[::-1]
    for shift, label in enumerate(("file", "memory at its peak")):
        values = [((row.size, row.memory)[shift] or 0) / 1e6 for row in rows]
        places = [index - 0.2 + 0.4 * (1 - shift) for index in range(len(rows))]
        bars = axes.barh(places, values, 0.38, label=label, color=("C0", "C7")[shift])
        axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=2)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axes.margins(x=0.15)
    axes.set_xlabel("MB")
    axes.set_title("Size and memory")
    axes.legend(fontsize=8, loc="lower right")
