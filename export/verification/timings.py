"""The result of a benchmark: JSON, and a table."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.evaluation.classification import scores_json


@dataclasses.dataclass(frozen=True)
class Cell:
    """Calls of one shape.

    Args:
        batch_size: rows in a call.
        length: tokens in a row, before the padding of fixed lengths.
        runs: how many calls were timed.
        p50: median wall time of a call in milliseconds.
        p95: 95th percentile of the same.
        p99: 99th percentile of the same.
        texts_per_second: rows by the mean time of a call.
    """

    batch_size: int
    length: int
    runs: int
    p50: float
    p95: float
    p99: float
    texts_per_second: float


@dataclasses.dataclass(frozen=True)
class Timed:
    """One artifact, called in one way with a number of threads.

    Args:
        format: key of ``FORMATS``.
        path: of the artifact.
        takes_text: whether strings went in, or ids.
        threads: of the runtime.
        runtime: package and version.
        size: bytes.
        load: median of the milliseconds to open it.
        memory: median of the bytes the process grew by at its peak, see ``measurement.Opened``.
        cells: by batch size and length.
        verification: what the manifest says of its last one, or ``None``.
        shared: whether another artifact has the same format.
    """

    format: str
    path: str
    takes_text: bool
    threads: int
    runtime: str
    size: int
    load: float
    memory: int | None
    cells: tuple[Cell, ...]
    verification: Mapping[str, Any] | None = None
    shared: bool = False

    @property
    def name(self) -> str:
        """The format, or the directory where that says too little; and whether text went in."""
        text = self.takes_text and "text" not in self.format
        name = self.path if self.shared else self.format
        return f"{name} (text)" if text else name

    def fastest(self, length: int) -> float | None:
        """The most texts of a length in a second, of all batch sizes, if it was run."""
        found = [cell.texts_per_second for cell in self.cells if cell.length == length]
        return max(found, default=None)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Artifacts side by side.

    Args:
        rows: of every artifact, way to call it and number of threads.
        repeats: processes that each was opened in.
        seconds: how long each shape was called in each.
    """

    rows: tuple[Timed, ...]
    repeats: int
    seconds: float

    @property
    def lengths(self) -> list[int]:
        """All lengths that were run."""
        return sorted({cell.length for row in self.rows for cell in row.cells})

    def to_dict(self) -> dict[str, Any]:
        """The content of the JSON file."""
        return dataclasses.asdict(self)

    def save(self, path: str | pathlib.Path) -> None:
        """Writes the JSON file."""
        write_text(pathlib.Path(path), scores_json(self.to_dict()))

    def cells(self) -> list[list[str]]:
        """The table as text: median milliseconds of one text by length, and costs."""
        lengths = self.lengths
        names = [f"{length} tokens" if length == lengths[0] else str(length) for length in lengths]
        header = ["format", "threads", "MB", *names, f"texts/s at {lengths[-1]}"]
        return [[*header, "load, ms", "peak MB"], *(self._line(row) for row in self.rows)]

    def table(self) -> Table:
        """The table for a terminal."""
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=self.caption())
        header, *lines = self.cells()
        for name in header:
            first = name == "format"
            table.add_column(name, justify="left" if first else "right", no_wrap=first)
        for line in lines:
            table.add_row(*line)
        return table

    def all_cells(self) -> list[list[str]]:
        """Everything, for a document."""
        header = ["format", "threads", "batch", "tokens", "runs", "p50", "p95", "p99", "texts/s"]
        lines = [
            [
                row.name,
                *map(str, (row.threads, cell.batch_size, cell.length, cell.runs)),
                *(f"{value:.2f}" for value in (cell.p50, cell.p95, cell.p99)),
                f"{cell.texts_per_second:.1f}",
            ]
            for row in self.rows
            for cell in row.cells
        ]
        return [header, *lines]

    def caption(self) -> str:
        """How the numbers came about."""
        return (
            "median milliseconds of one text by its tokens; texts in a second at the best batch "
            f"size; {self.repeats} processes each, {self.seconds:g} s for each shape, on CPU"
        )

    def _line(self, row: Timed) -> list[str]:
        single = {cell.length: cell.p50 for cell in row.cells if cell.batch_size == 1}
        times = [f"{single[n]:.1f}" if n in single else "–" for n in self.lengths]
        memory = "–" if row.memory is None else f"{row.memory / 1e6:.0f}"
        fastest = row.fastest(self.lengths[-1])
        texts = "–" if fastest is None else f"{fastest:.0f}"
        size = f"{row.size / 1e6:.1f}"
        return [row.name, str(row.threads), size, *times, texts, f"{row.load:.0f}", memory]
