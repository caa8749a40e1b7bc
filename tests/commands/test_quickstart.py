"""The main job on real weights and real tweets, on a small sample."""

from __future__ import annotations

import json
import pathlib

import pytest

from keras_bert_zoo.cli import main


@pytest.mark.parametrize("wrong", [["--train_examples", "0"], ["--seed", "one"], ["--fulll"]])
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["quickstart", *wrong])
    assert stopped.value.code == 2
    assert wrong[0].lstrip("-").split("-")[0] in capsys.readouterr().err


@pytest.mark.slow
def test_main_job(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "run"
    sample = ["--train_examples", "64", "--verify_examples", "12"]
    sentences = ["--text", "I love this airline", "--text", "那班飞机，晚点了！"]
    assert main(["quickstart", "--output", str(output), *sample, *sentences]) == 0
    numbers = json.loads((output / "report.json").read_text())
    assert numbers["artifacts"]["passed"]
    assert {row["format"] for row in numbers["artifacts"]["rows"]} == {
        "savedmodel",
        "tflite",
        "tflite-int8",
        "onnx",
    }
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "那班飞机，晚点了！" in page
    assert "data:image/png;base64," in page
    assert "那班飞机" in capsys.readouterr().out
