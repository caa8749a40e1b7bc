"""The result of a quickstart as one page, one picture and two tables."""

from __future__ import annotations

import base64
import datetime
import html
import importlib.resources
import json
import pathlib
import platform
import string
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sklearn.metrics import classification_report

from keras_bert_zoo import __version__
from keras_bert_zoo.evaluation import pictures

if TYPE_CHECKING:
    from keras_bert_zoo.commands.quickstart_run import Outcome


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
    template = importlib.resources.files(__package__).joinpath("quickstart.html")
    page = string.Template(template.read_text(encoding="utf-8")).substitute(
        summary=html.escape(outcome.summary),
        picture=base64.b64encode(picture.read_bytes()).decode(),
        accuracies=_html_table(_accuracies(outcome)),
        artifacts=_html_table(_artifacts(outcome)),
        sample=html.escape(_sample(outcome)),
        predictions=_html_table(_sentences(outcome)),
        scores=_html_table(_by_class(outcome)),
        footer=html.escape(_footer(directory, outcome, minutes)),
    )
    path = directory / "report.html"
    path.write_text(page, encoding="utf-8")
    numbers = {
        "summary": outcome.summary,
        "minutes": minutes,
        "metrics": outcome.training.metrics,
        "baselines": outcome.baselines,
        "baselines of the sample": outcome.sample_baselines,
        "artifacts": outcome.report.to_dict(),
    }
    text = json.dumps(numbers, indent=2) + "\n"
    (directory / "report.json").write_text(text, encoding="utf-8")
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


def _artifacts(outcome: Outcome) -> list[list[str]]:
    """The report's table with the runtime of each row."""
    header, *rows = outcome.report.cells()
    runtimes = [row.runtime for row in (outcome.report.keras, *outcome.report.rows)]
    return [[*header, "runtime"], *([*row, name] for row, name in zip(rows, runtimes, strict=True))]


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
    made = (
        f"{datetime.date.today()}, keras-bert-zoo {__version__}, Python {platform.python_version()}"
    )
    return (
        f"{made}, {minutes:.1f} minutes on {platform.machine()}, {outcome.report.threads} threads. "
        f"Recipe: {directory / 'training' / 'recipe.yaml'}; bundle: {outcome.training.bundle}; "
        f"artifacts: {directory / 'artifacts'}. Again: keras-bert-zoo quickstart."
    )


def _sentences(outcome: Outcome) -> list[list[str]]:
    rows = [[text, label, f"{score:.0%}"] for text, label, score in outcome.sentences]
    return [["sentence", "label", "score"], *rows]


def _html_table(rows: Iterable[Sequence[str]]) -> str:
    header, *body = [[html.escape(cell) for cell in row] for row in rows]
    lines = [f"<tr><th>{'</th><th>'.join(header)}</th></tr>"]
    lines += [f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in body]
    return f"<table>{''.join(lines)}</table>"
