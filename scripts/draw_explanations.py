"""Draws the pictures of docs/explanations.md from a fine-tuned bundle.

    python scripts/draw_explanations.py runs/tweets-minilm/bundle

Needs matplotlib. The highlights are drawn with the colours that pages of `explain` have.
"""

from __future__ import annotations

import pathlib
import sys

from matplotlib.figure import Figure

from keras_bert_zoo import predictor
from keras_bert_zoo.evaluation.attention_pictures import attention_picture
from keras_bert_zoo.tasks.attentions import attentions_of
from keras_bert_zoo.tasks.explanation import Explanation, explain

DOCS = pathlib.Path(__file__).parents[1] / "docs"
TEXTS = (
    "I love how this delayed flight ruined my day",
    "Finally some sunshine, what a lovely morning!",
    "Meeting moved to 3 pm",
)


def draw_highlights(path: pathlib.Path, explanations: list[Explanation]) -> None:
    """One line for each explanation: its answer, then its text."""
    figure = Figure(figsize=(9, 0.4 * len(explanations)), dpi=110)
    for line, each in enumerate(reversed(explanations)):
        height = (line + 0.5) / len(explanations)
        largest = max(abs(value) for _, _, value in each.spans[0])
        figure.text(0.01, height, each.answer, weight="bold", va="center")
        # Of one width, so that places can be counted.
        for start, end, value in each.spans[0]:
            figure.text(
                0.13 + 0.0098 * start,
                height,
                each.texts[0][start:end],
                family="monospace",
                va="center",
                bbox={
                    "facecolor": "#1f77b4" if value > 0 else "#d62728",
                    "alpha": 0.7 * abs(value) / largest,
                    "linewidth": 0,
                    "pad": 1.5,
                },
            )
    figure.savefig(path)


def main(bundle: str) -> None:
    """Draws both pictures."""
    draw_highlights(DOCS / "explanations.png", explain(predictor(bundle), TEXTS))
    attention_picture(DOCS / "attention.png", *attentions_of(bundle, TEXTS[0]))


if __name__ == "__main__":
    main(sys.argv[1])
