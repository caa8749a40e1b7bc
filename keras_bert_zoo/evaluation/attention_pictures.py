"""Pictures of attention. Needs matplotlib, which the extra ``quickstart`` brings."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

matplotlib.use("Agg")
_COLUMNS = 4
# For what matplotlib's own font lacks, Chinese above all: those of them that are installed.
_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
)


def attention_picture(
    path: pathlib.Path, tokens: Sequence[str], probabilities: np.ndarray
) -> pathlib.Path:
    """Draws the heads of a layer side by side into a PNG: rows attend to columns.

    Args:
        path: of the file.
        tokens: S names.
        probabilities: ``(N, S, S)``.
    """
    installed = {font.name for font in fontManager.ttflist}
    family = ["DejaVu Sans", *(name for name in _FONTS if name in installed)]
    # Names of tokens may hold what matplotlib would set as a formula.
    names: dict[str, Any] = {"fontsize": 7, "fontfamily": family, "parse_math": False}
    columns = min(_COLUMNS, len(probabilities))
    rows = math.ceil(len(probabilities) / columns)
    side = 1.2 + 0.18 * len(tokens)
    figure = Figure(figsize=(columns * side, rows * side), layout="constrained", dpi=110)
    places = range(len(tokens))
    for index, head in enumerate(probabilities):
        axes = figure.add_subplot(rows, columns, index + 1)
        axes.imshow(head, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(places, tokens, rotation=90, **names)
        axes.set_yticks(places, tokens, **names)
        axes.set_title(f"head {index}", fontsize=9)
    figure.savefig(path)
    return path
