"""The results of a verification and of a benchmark as pages."""

from __future__ import annotations

import importlib.util
import pathlib

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.evaluation import page

from .report import Report
from .timings import Benchmark

EXPLANATION = (
    "Max diff: the largest difference of any output to Keras'; float32 artifacts must be within "
    "1e-4, of quantised ones the metric counts. Agree: share of the texts decided as Keras "
    "decides them, or of which the same is written. Tokens: share of those that Keras writes. "
    "Cosine: mean over the texts, of their embeddings to Keras'. Drop: what the metric lost "
    "against Keras, in hundredths, with half of its 95 % interval (text by text). "
    "p50, p95, p99: milliseconds of one text at its own length. Peak MB: what the process grew by."
)


def write_page(report: Report, path: pathlib.Path) -> pathlib.Path:
    """Writes a verification as one HTML file; without matplotlib it has no picture.

    Returns:
        The path.
    """
    parts = [page.paragraph(f"{report.caption()}. {EXPLANATION}"), page.table(report.cells())]
    parts += [page.paragraph(line) for line in (*report.failures(), *report.notes())]
    if report.rows and importlib.util.find_spec("matplotlib"):
        from .pictures import of_report

        parts.insert(0, page.picture(of_report(report), "Drop against latency, size and memory"))
    parts += [page.heading("Names, types and shapes"), page.table(_signatures(report))]
    verdict = "all passed" if report.passed else "FAILED"
    write_text(path, page.page(f"Verification of {report.keras.path}: {verdict}", parts))
    return path


def write_benchmark(found: Benchmark, path: pathlib.Path) -> pathlib.Path:
    """Writes a benchmark as one HTML file; without matplotlib it has no picture.

    Returns:
        The path.
    """
    parts = [page.paragraph(found.caption()), page.table(found.cells())]
    if importlib.util.find_spec("matplotlib"):
        from .pictures import of_benchmark

        parts.insert(0, page.picture(of_benchmark(found), "Latency and throughput by length"))
    parts += [page.heading("All calls, in milliseconds"), page.table(found.all_cells())]
    runtimes = dict.fromkeys(row.runtime for row in found.rows)
    footer = f"Runtimes: {', '.join(runtimes)}."
    write_text(path, page.page("Benchmark of artifacts", parts, footer))
    return path


def _signatures(report: Report) -> list[list[str]]:
    rows = [
        [row.format, signature.name, way, spec.name, spec.dtype, " × ".join(map(str, spec.axes))]
        for row in report.rows
        for signature in row.signatures
        for way, specs in (("in", signature.inputs), ("out", signature.outputs))
        for spec in specs
    ]
    return [["format", "signature", "", "name", "type", "axes"], *rows]
