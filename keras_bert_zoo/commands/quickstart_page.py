"""The result of a quickstart as one page, one picture and two tables."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sklearn.metrics import classification_report

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.evaluation import page, pictures
from keras_bert_zoo.evaluation.classification import scores_json
from keras_bert_zoo.export.verification.page import EXPLANATION

if TYPE_CHECKING:
    from keras_bert_zoo.commands.quickstart_run import Outcome

_PICTURE = "Learning curve, confusion matrix, and accuracy against size and latency"


def write(directory: pathlib.Path, outcome: Outcome, minutes: float) -> pathlib.Path:
    """Writes ``report.html``, ``report.png`` and ``report.json``; returns the page's path."""
    picture = pictures.one_page(
        directory / "report.png",
        history=_by_metric(outcome.training.history),
        truth=outcome.truth,
        predicted=outcome.predicted,
        labels=sorted(set(outcome.truth)),
        points=_points(outcome),
        baselines=outcome.sample_baselines,
        texts=outcome.report.texts,
    )
    content = page.page(
        "keras-bert-zoo quickstart: from a published checkpoint to verified artifacts",
        [
            page.paragraph(outcome.summary),
            page.picture(picture.read_bytes(), _PICTURE),
            page.heading("Accuracy on the test split"),
            page.table(_accuracies(outcome)),
            page.table(_by_class(outcome)),
            page.heading("Artifacts, each run again in its own runtime"),
            page.paragraph(f"{_sample(outcome)} {EXPLANATION}"),
            page.table(outcome.report.cells()),
            page.heading("Sentences nobody trained on, labelled by the int8 TFLite file"),
            page.table(_sentences(outcome)),
        ],
        _footer(directory, outcome, minutes),
    )
    path = directory / "report.html"
    write_text(path, content)
    numbers = {
        "summary": outcome.summary,
        "minutes": minutes,
        "metrics": outcome.training.metrics,
        "baselines": outcome.baselines,
        "baselines of the sample": outcome.sample_baselines,
        "artifacts": outcome.report.to_dict(),
    }
    write_text(directory / "report.json", scores_json(numbers))
    return path


def show(outcome: Outcome) -> None:
    """Prints the tables to the terminal."""
    console = Console()
    for header, *rows in (_accuracies(outcome), _sentences(outcome)):
        table = Table(*header)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print(outcome.report.table())
    console.print(_sample(outcome))


def _by_metric(history: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    return {name: [epoch[name] for epoch in history] for name in history[0]}


def _points(outcome: Outcome) -> list[pictures.Point]:
    rows = (outcome.report.keras, *outcome.report.rows)
    return [pictures.Point(r.format, r.size / 1e6, r.metric or 0.0, r.p50) for r in rows]


def _accuracies(outcome: Outcome) -> list[list[str]]:
    ours = {"all-MiniLM-L6-v2, fine-tuned": outcome.training.metrics["test"]["accuracy"]}
    rows = [[name, f"{value:.1%}"] for name, value in {**outcome.baselines, **ours}.items()]
    return [["model", "accuracy on the test tweets"], *rows]


def _sample(outcome: Outcome) -> str:
    baselines = ", ".join(f"{k} {value:.1%}" for k, value in outcome.sample_baselines.items())
    return (
        f"The accuracy of the artifacts is over {outcome.report.texts:,} of the "
        f"{len(outcome.truth):,} test tweets, evenly spread; on the same: {baselines}."
    )


def _by_class(outcome: Outcome) -> list[list[str]]:
    scored = classification_report(
        outcome.truth, outcome.predicted, output_dict=True, zero_division=0
    )
    names = [*sorted(set(outcome.truth)), "macro avg"]
    columns = ("precision", "recall", "f1-score")
    rows = [
        [
            name,
            *(f"{scored[name][column]:.1%}" for column in columns),
            f"{scored[name]['support']:.0f}",
        ]
        for name in names
    ]
    return [["class", *columns, "tweets"], *rows]


def _footer(directory: pathlib.Path, outcome: Outcome, minutes: float) -> str:
    return (
        f"{minutes:.1f} minutes, {outcome.report.threads} threads. "
        f"Recipe: {directory / 'training' / 'recipe.yaml'}; bundle: {outcome.training.bundle}; "
        f"artifacts: {directory / 'artifacts'}. Again: keras-bert-zoo quickstart."
    )


def _sentences(outcome: Outcome) -> list[list[str]]:
    rows = [[text, label, f"{score:.0%}"] for text, label, score in outcome.sentences]
    return [["sentence", "label", "score"], *rows]
