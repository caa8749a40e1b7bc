"""Times of real artifacts, and the pages of a benchmark and a verification."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from keras_bert_zoo import cli
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import Artifact, ExportError, benchmark, export, verify
from keras_bert_zoo.export.verification.page import write_benchmark, write_page
from keras_bert_zoo.export.verification.report import Report, Row
from keras_bert_zoo.export.verification.timings import Benchmark, Cell, Timed
from keras_bert_zoo.export.verification.workload import Shape, calls_of

NAMES = ("tflite", "tflite-int8", "onnx", "tflite-text")


@pytest.fixture(scope="module")
def found(artifacts):
    chosen = [artifacts[name].path for name in NAMES]
    options = {"lengths": (8, 16), "batch_sizes": (1, 2), "threads": (1, 2), "progress": False}
    return benchmark(chosen, seconds=0.01, repeats=2, **options)


@pytest.mark.slow
def test_every_artifact_with_every_number_of_threads(found):
    assert [(row.format, row.threads) for row in found.rows] == [
        (name, threads) for threads in (1, 2) for name in NAMES
    ]
    for row in found.rows:
        batches = (1, 2) if row.format == "onnx" else (1,)
        assert [(c.batch_size, c.length) for c in row.cells] == [
            (batch, length) for batch in batches for length in (8, 16)
        ]
        assert row.load > 0 and row.size > 0 and row.runtime.count(" ") == 1


@pytest.mark.slow
def test_times_are_consistent(found):
    for row in found.rows:
        for cell in row.cells:
            assert cell.runs >= 10  # at least 5 in each of two processes
            assert 0 < cell.p50 <= cell.p95 <= cell.p99
            # The mean lies between the median of the fast half and the slowest.
            assert 1e3 * cell.batch_size / cell.texts_per_second <= cell.p99 * 1.5 + 1


@pytest.mark.slow
def test_tables_and_json(found, tmp_path):
    header, *lines = found.cells()
    assert header[:5] == ["format", "threads", "MB", "8 tokens", "16"]
    assert len(lines) == len(found.rows) and {len(line) for line in lines} == {len(header)}
    assert len(found.all_cells()) == 1 + sum(len(row.cells) for row in found.rows)
    found.save(tmp_path / "new" / "benchmark.json")
    loaded = json.loads((tmp_path / "new" / "benchmark.json").read_text())
    assert loaded["rows"][0]["cells"][0]["p50"] == found.rows[0].cells[0].p50


def timed(name, *lengths):
    cells = tuple(Cell(1, length, 10, 1.0, 2.0, 3.0, 1000.0 / length) for length in lengths)
    return Timed(name, "somewhere", False, 1, "runtime 1", 10, 1.0, None, cells)


def test_texts_in_a_second_are_of_the_length_that_the_column_names():
    found = Benchmark((timed("onnx", 16, 64), timed("tflite", 16)), 1, 1.0)
    assert [line[-3] for line in found.cells()] == ["texts/s at 64", "16", "–"]


def test_artifacts_of_one_format_are_told_apart_by_their_directories():
    rows = [dataclasses.replace(timed("onnx", 16), path=path, shared=True) for path in "ab"]
    found = Benchmark((*rows, timed("tflite", 16)), 1, 1.0)
    assert [line[0] for line in found.cells()[1:]] == ["a", "b", "tflite"]


def report_of(**fields):
    row = Row("onnx", "somewhere", 10, "runtime 1", (1,), (8,), **{"max_difference": 0.1, **fields},
        p50=1.0, p95=2.0, p99=3.0)  # fmt: skip
    return Report(dataclasses.replace(row, format="keras"), (row,), 5, "pearson", 1)


NAN = float("nan")


@pytest.mark.parametrize(
    "fields",
    [
        {"metric": NAN, "metric_interval": (NAN, NAN), "drop": NAN, "drop_interval": (NAN, NAN)},
        {"metric": 1.0, "metric_interval": (NAN, NAN), "drop": 0.0, "drop_interval": (NAN, NAN)},
        {"metric": 1.0, "metric_interval": (0.9, 1.0), "drop": 0.0, "drop_interval": (1e-8, 1e-8)},
        {"max_difference": float("inf")},
        {"max_difference": 0.0},
    ],
)
def test_pages_of_what_has_no_figure(fields, tmp_path):
    report = report_of(**fields)
    assert "nan" not in report.to_markdown()
    assert "image/png" in write_page(report, tmp_path / "page.html").read_text()
    report.save(tmp_path / "report.json")


def test_words_have_the_tokens_that_were_asked_for(artifacts, keras_bundle):
    calls = calls_of(artifacts["savedmodel"], True, [Shape(3, 8), Shape(1, 40)])
    for shape, inputs in calls.items():
        encoded = keras_bundle.tokenizer(inputs["text"], padding=True)
        assert encoded["input_ids"].shape == shape
        assert np.all(encoded["attention_mask"] == 1)


@pytest.mark.slow
def test_fixed_lengths_are_padded_as_a_runner_does(bundle, tmp_path):
    [artifact] = export(bundle, tmp_path, ["tflite"], lengths=[16, 32], progress=False)
    calls = calls_of(artifact, False, [Shape(1, 8), Shape(1, 20), Shape(1, 40), Shape(2, 8)])
    widths = {shape: inputs["input_ids"].shape[1] for shape, inputs in calls.items()}
    assert widths == {(1, 8): 16, (1, 20): 32}
    assert calls[1, 8]["attention_mask"].sum() == 8
    with pytest.raises(ExportError, match="takes none of the batch sizes and lengths"):
        benchmark([artifact], lengths=[40], progress=False)


@pytest.mark.parametrize(
    "wrong",
    [{"lengths": []}, {"threads": [0]}, {"threads": [9999]}, {"repeats": 0}, {"seconds": 0}],
)
def test_refuses_numbers(artifacts, wrong):
    with pytest.raises(ExportError, match=f"{next(iter(wrong))} must be"):
        benchmark([artifacts["onnx"]], **wrong, progress=False)


@pytest.mark.slow
def test_result_of_a_verification_is_in_the_manifest_and_on_the_page(bundle, texts, tmp_path):
    [artifact] = export(bundle, tmp_path, ["tflite-int8"], progress=False)
    assert artifact.verification is None
    examples = Examples(texts, None, np.array([2, 1, 0, 2, 1, 1], "int32"))
    report = verify(bundle, [artifact], examples, progress=False)
    [row] = report.rows
    known = Artifact.load(artifact.path).verification
    assert (known["metric"], known["drop"], known["texts"]) == (row.metric, row.drop, len(texts))
    assert known["drop_interval"] == list(row.drop_interval) and known["passed"]
    # A second one takes its place, and the checksums still hold.
    verify(bundle, [artifact], Examples(texts), progress=False)
    assert Artifact.load(artifact.path).verification["metric"] is None

    page = write_page(report, tmp_path / "page.html").read_text()
    assert "all passed" in page and "data:image/png;base64," in page
    assert f"{row.metric:.4f}" in page and "input_ids" in page
    timed = benchmark([artifact], lengths=[8], seconds=0.01, repeats=1, progress=False)
    assert timed.rows[0].verification is not None
    assert "data:image/png" in write_benchmark(timed, tmp_path / "times.html").read_text()


@pytest.mark.slow
def test_verification_of_a_manifest_that_cannot_be_written(bundle, texts, tmp_path, monkeypatch):
    [artifact] = export(bundle, tmp_path, ["onnx"], progress=False)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("keras_bert_zoo.export.artifact.write_text", full)
    report = verify(bundle, [artifact], Examples(texts), progress=False)
    assert report.passed and "No space left" in report.rows[0].notes[0]
    assert Artifact.load(artifact.path).verification is None


def test_command(artifacts, tmp_path, capsys):
    report = tmp_path / "times.json"
    options = ["--lengths", "8", "--threads", "1", "--seconds", "0.01", "--repeats", "1"]
    arguments = ["benchmark", str(artifacts["tflite"].path), *options]
    assert cli.main([*arguments, "--report", str(report)]) == 0
    assert "8 tokens" in capsys.readouterr().out
    assert json.loads(report.read_text())["repeats"] == 1
    assert "<table>" in report.with_suffix(".html").read_text()
    assert cli.main([*arguments, "--report", "times.txt"]) == 2
    assert "must end in .json" in capsys.readouterr().err
    (tmp_path / "folder.json").mkdir()
    assert cli.main([*arguments, "--report", str(tmp_path / "folder.json")]) == 2
    assert "is a directory" in capsys.readouterr().err
    assert cli.main([*arguments, "--batch_sizes", "many"]) == 2
    assert "batch_sizes must be numbers" in capsys.readouterr().err
