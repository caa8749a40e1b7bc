"""The result of a verification: JSON, a terminal table, a Markdown table."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from rich import box
from rich.table import Table


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
        max_difference: largest difference of any output to Keras, in any case.
        p50: median wall time of one text, in milliseconds, at its own length.
        p95: 95th percentile of the same.
        text_difference: the same difference of the signature that takes strings.
        agreement: share of texts with the same decision as Keras; none for encoders.
        metric: figure of merit on the labelled texts.
        problems: what is wrong; empty when the artifact passed.
        notes: what to know all the same.
    """

    format: str
    path: str
    size: int
    runtime: str
    batch_sizes: tuple[int, ...]
    lengths: tuple[int, ...]
    max_difference: float
    p50: float
    p95: float
    text_difference: float | None = None
    agreement: float | None = None
    metric: float | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


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
        rows = [{**dataclasses.asdict(row), "passed": row.passed} for row in self.rows]
        return {**dataclasses.asdict(self), "rows": rows, "passed": self.passed}

    def save(self, path: str | pathlib.Path) -> None:
        """Writes the JSON file."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.saving")
        temporary.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)

    def cells(self) -> list[list[str]]:
        """The table as text: the header, Keras, then the artifacts."""
        return [self._columns(), *(self._cells(row) for row in (self.keras, *self.rows))]

    def table(self) -> Table:
        """The table for a terminal; what is wrong stands below it."""
        failures = [f"{r.format}: {'; '.join(r.problems)}" for r in self.rows if not r.passed]
        caption = "\n".join([self.caption(), *failures, *self.notes()])
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption)
        header, *lines = self.cells()
        for name in header:
            table.add_column(name, justify="left" if name == "format" else "right")
        for line, row in zip(lines, (self.keras, *self.rows), strict=True):
            table.add_row(*line, style=None if row.passed else "red")
        return table

    def to_markdown(self) -> str:
        """The table for a document, with the versions of the runtimes."""
        header, *lines = self.cells()
        runtimes = [row.runtime for row in (self.keras, *self.rows)]
        table = [[*header, "runtime"], ["---"] * (len(header) + 1)]
        table += [[*line, runtime] for line, runtime in zip(lines, runtimes, strict=True)]
        text = "\n".join(f"| {' | '.join(line)} |" for line in table)
        return "\n\n".join([text, self.caption(), *self.notes()]) + "\n"

    def caption(self) -> str:
        """How the numbers came about."""
        return (
            f"{self.texts} texts one by one at their own length; milliseconds on CPU, "
            f"{self.threads} threads"
        )

    def notes(self) -> list[str]:
        """The notes of all rows, each with its format."""
        return [f"{row.format}: {note}" for row in self.rows for note in row.notes]

    def _columns(self) -> list[str]:
        scores = ["agree", self.metric or "metric", "drop"]
        return ["format", "MB", "max diff", *scores, "p50", "p95", "result"]

    def _cells(self, row: Row) -> list[str]:
        drop = None
        if row is not self.keras and row.metric is not None and self.keras.metric is not None:
            drop = self.keras.metric - row.metric
        return [
            row.format,
            f"{row.size / 1e6:.1f}",
            _number(row.max_difference, ".1e"),
            _number(row.agreement, ".3f"),
            _number(row.metric, ".4f"),
            _number(drop, "+.4f"),
            f"{row.p50:.1f}",
            f"{row.p95:.1f}",
            "ok" if row.passed else "FAILED",
        ]


def _number(value: float | None, style: str) -> str:
    return "–" if value is None else format(value, style)
