"""The picture of a search: what was tried, and how much each weight matters.

Needs matplotlib, which the extra ``quickstart`` brings.
"""

from __future__ import annotations

import pathlib
import re

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .trials import Search

_OF_LAYER = re.compile(r"layer_(\d+)/(.+)/kernel$")


def draw(search: Search, path: str | pathlib.Path) -> pathlib.Path:
    """Writes a PNG: quality against size, and the sensitivity of each weight."""
    figure = Figure(figsize=(13, 4.8), layout="constrained", dpi=110)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.6, 1, 0.5))
    _trials(left, search)
    in_layers = {name: m for name in search.sensitivity if (m := _OF_LAYER.search(name))}
    _layers(middle, search, in_layers)
    others = {k: v for k, v in search.sensitivity.items() if k not in in_layers}
    _others(right, others)
    path = pathlib.Path(path)
    figure.savefig(path, format="png")
    return path


def _trials(axes: Axes, search: Search) -> None:
    for index, trial in enumerate(search.trials):
        chosen = trial is search.best
        axes.plot(
            trial.size / 1e6,
            trial.drop,
            "*" if chosen else "o",
            color=colormaps["tab20"](index % 20),
            markersize=16 if chosen else 7,
            label=f"{trial.name}: {trial.size / 1e6:.1f} MB, {search.metric} {trial.quality:.4f}, "
            f"{trial.milliseconds:.1f} ms",
        )
    axes.axhline(search.max_drop, color="grey", linestyle=":", label="budget")
    axes.set_xlabel("size, MB")
    axes.set_ylabel(f"drop of {search.metric}, points")
    axes.set_title(f"Tried on {search.texts:,} texts (star: chosen)")
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _layers(axes: Axes, search: Search, found: dict[str, re.Match[str]]) -> None:
    kinds = list(dict.fromkeys(match[2] for match in found.values()))
    table = np.zeros((1 + max(int(m[1]) for m in found.values()), len(kinds)))
    for name, match in found.items():
        table[int(match[1]), kinds.index(match[2])] = search.sensitivity[name]
    axes.imshow(table, cmap="Reds", aspect="auto", vmin=0)
    axes.set_xticks(range(len(kinds)), [kind.replace("/", "\n") for kind in kinds], fontsize=8)
    axes.set_yticks(range(len(table)))
    for (row, column), value in np.ndenumerate(table):
        colour = "white" if value > 0.6 * table.max() else "black"
        axes.text(column, row, f"{value:.1%}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_ylabel("layer")
    axes.set_title("Shift of the outputs by\none weight in 4 bits")


def _others(axes: Axes, values: dict[str, float]) -> None:
    names = [name.replace("/", "/\n") for name in values]
    axes.bar(names, [100 * value for value in values.values()], color="C3")
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title("Outside of layers, %")
