"""The result of a verification: JSON, a terminal table, a Markdown table."""

from __future__ import annotations

import dataclasses
import datetime
import math
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from rich import box
from rich.table import Table

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.evaluation.classification import scores_json, without_nan

from ..signature import Signature
from .intervals import Interval


@dataclasses.dataclass(frozen=True)
class Row:
    """One model in one runtime.

    Args:
        format: key of ``FORMATS``, or ``"keras"``.
        path: of the artifact, or the bundle.
        size: bytes.
        runtime: package and version.
        batch_sizes: those that were run and compared.
        lengths: the same, in tokens.
        max_difference: largest difference of any output to Keras, in any case; none of models that
            write.
        p50: median wall time of one text, in milliseconds, at its own length.
        p95: 95th percentile of the same.
        p99: 99th percentile of the same.
        load: milliseconds to open the model in its runtime; none for Keras.
        memory: bytes the process grew by at its peak, see ``measurement.Opened``.
        signatures: names, types and axes of inputs and outputs.
        text_difference: the same difference of the signature that takes strings.
        agreement: share of texts with the same decision as Keras, or with the same text written;
            none for encoders.
        equal_tokens: share of tokens that Keras writes, too; what follows the end of both texts
            does not count.
        cosine: mean over the texts of the cosine of their embedding, the mean of the hidden
            states, to Keras'; for encoders.
        metric: figure of merit on the labelled texts.
        metric_interval: its 95 % confidence interval.
        drop: what it lost against Keras.
        drop_interval: the 95 % confidence interval of that, see ``intervals``.
        problems: what is wrong; empty when the artifact passed.
        notes: what to know all the same.
    """

    format: str
    path: str
    size: int
    runtime: str
    batch_sizes: tuple[int, ...]
    lengths: tuple[int, ...]
    max_difference: float | None
    p50: float
    p95: float
    p99: float
    load: float | None = None
    memory: int | None = None
    signatures: tuple[Signature, ...] = ()
    text_difference: float | None = None
    agreement: float | None = None
    equal_tokens: float | None = None
    cosine: float | None = None
    metric: float | None = None
    metric_interval: Interval | None = None
    drop: float | None = None
    drop_interval: Interval | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What tables and pictures call it."""
        return self.format

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The content of a JSON file."""
        return {**dataclasses.asdict(self), "passed": self.passed}


class Column(NamedTuple):
    """One column of the table.

    Attributes:
        name: its head; ``{metric}`` stands for the metric's name.
        cell: of a row, or ``None`` where it has none; a column of none but those is left out.
        terminal: whether it is worth its place there.
    """

    name: str
    cell: Callable[[Row], str | None]
    terminal: bool = True


COLUMNS = (
    Column("format", lambda row: row.format),
    Column("MB", lambda row: f"{row.size / 1e6:.1f}"),
    Column("max diff", lambda row: _number(row.max_difference, ".1e")),
    Column("agree", lambda row: _number(row.agreement, ".3f")),
    Column("tokens", lambda row: _number(row.equal_tokens, ".3f")),
    Column("cosine", lambda row: _number(row.cosine, ".4f")),
    Column("{metric}", lambda row: _number(row.metric, ".4f")),
    Column("95 % interval", lambda row: _interval(row.metric_interval, ".4f"), False),
    Column("drop, points", lambda row: _with_half(row.drop, row.drop_interval)),
    Column("p50", lambda row: f"{row.p50:.1f}"),
    Column("p95", lambda row: f"{row.p95:.1f}", False),
    Column("p99", lambda row: f"{row.p99:.1f}"),
    Column("load, ms", lambda row: _number(row.load, ".0f"), False),
    Column("peak MB", lambda row: _number(row.memory and row.memory / 1e6, ".0f"), False),
    Column("result", lambda row: "ok" if row.passed else "FAILED"),
    Column("runtime", lambda row: row.runtime, False),
)


@dataclasses.dataclass(frozen=True)
class Report:
    """Keras and the artifacts of one bundle, side by side.

    Args:
        keras: the reference.
        rows: the artifacts.
        texts: how many were run.
        metric: name of the metric, or ``None``.
        threads: of each runtime.
    """

    keras: Row
    rows: tuple[Row, ...]
    texts: int
    metric: str | None
    threads: int

    @property
    def passed(self) -> bool:
        """Whether every artifact passed."""
        return all(row.passed for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file."""
        rows = [row.to_dict() for row in self.rows]
        return {**dataclasses.asdict(self), "rows": rows, "passed": self.passed}

    def save(self, path: str | pathlib.Path) -> None:
        """Writes the JSON file."""
        write_text(pathlib.Path(path), scores_json(self.to_dict()))

    def record_of(self, row: Row) -> dict[str, Any]:
        """What the manifest of a row's artifact says of it."""
        known = ("format", "path", "size", "signatures")
        found = {name: value for name, value in row.to_dict().items() if name not in known}
        made = {"date": str(datetime.date.today()), "texts": self.texts, "threads": self.threads}
        return without_nan({**made, "metric_name": self.metric, **found})

    def cells(self, terminal: bool = False) -> list[list[str]]:
        """The table as text: the header, Keras, then the artifacts."""
        columns = []
        for column in COLUMNS:
            cells = [column.cell(row) for row in (self.keras, *self.rows)]
            if any(cells) and (column.terminal or not terminal):
                name = column.name.format(metric=self.metric)
                columns.append([name, *(cell or "–" for cell in cells)])
        return [list(line) for line in zip(*columns, strict=True)]

    def table(self) -> Table:
        """The table for a terminal; what is wrong stands below it."""
        caption = "\n".join([self.caption(), *self.failures(), *self.notes()])
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption)
        header, *lines = self.cells(terminal=True)
        for name in header:
            first = name == "format"
            table.add_column(name, justify="left" if first else "right", no_wrap=first)
        for line, row in zip(lines, (self.keras, *self.rows), strict=True):
            table.add_row(*line, style=None if row.passed else "red")
        return table

    def to_markdown(self) -> str:
        """The table for a document, with the versions of the runtimes."""
        header, *lines = self.cells()
        table = [header, ["---"] * len(header), *lines]
        text = "\n".join(f"| {' | '.join(line)} |" for line in table)
        return "\n\n".join([text, self.caption(), *self.failures(), *self.notes()]) + "\n"

    def caption(self) -> str:
        """How the numbers came about."""
        paired = "" if self.metric is None else "; ±: half of the drop's 95 % interval"
        return (
            f"{self.texts} texts one by one at their own length; milliseconds on CPU, "
            f"{self.threads} threads{paired}"
        )

    def failures(self) -> list[str]:
        """What is wrong, for each format that has something."""
        return [f"{row.format}: {'; '.join(row.problems)}" for row in self.rows if row.problems]

    def notes(self) -> list[str]:
        """The notes of all rows, each with its format."""
        return [f"{row.format}: {note}" for row in self.rows for note in row.notes]


def _number(value: float | None, style: str) -> str | None:
    return None if value is None or math.isnan(value) else format(value, style)


def _interval(ends: Interval | None, style: str) -> str | None:
    if ends is None or math.isnan(ends[0]):
        return None
    return "…".join(format(end, style) for end in ends)


def _with_half(drop: float | None, ends: Interval | None) -> str | None:
    if drop is None or math.isnan(drop):
        return None
    half = math.nan if ends is None else 50 * (ends[1] - ends[0])
    return f"{100 * drop:+.2f}" + ("" if math.isnan(half) else f" ±{half:.2f}")
