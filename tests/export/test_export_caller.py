"""What an export costs its caller, and the commands."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time

import pytest

from keras_bert_zoo import cli

_CALLER = """
import signal
# A shell that starts tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
import gc, json, pathlib, sys
from keras_bert_zoo.export import export

def resident():
    gc.collect()
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096

before = resident()
export(sys.argv[1], sys.argv[2], ["onnx"], progress=False)
loaded = sorted({"tensorflow", "keras", "onnx"} & set(sys.modules))
print(json.dumps({"grown": resident() - before, "loaded": loaded}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_caller_neither_grows_nor_loads_tensorflow(bundle, tmp_path):
    command = [sys.executable, "-c", _CALLER, str(bundle), str(tmp_path)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(printed)
    assert result["loaded"] == []
    # TensorFlow alone would be 400 MB.
    assert result["grown"] < 20e6


@pytest.mark.slow
def test_interrupted_export_leaves_nothing(bundle, tmp_path):
    command = [sys.executable, "-c", _CALLER, str(bundle), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as caller:
        while caller.poll() is None and not list(tmp_path.glob(".onnx.saving-*")):
            time.sleep(0.02)
        caller.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in caller.communicate()[1]
    assert list(tmp_path.iterdir()) == []


def _write(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("sentence", "class"), *rows])
    return str(path)


def test_commands_export_and_verify(bundle, texts, tmp_path, capsys):
    output = str(tmp_path / "out")
    assert cli.main(["export", str(bundle), "--output", output, "--formats", "onnx"]) == 0
    assert "onnx/onnx/model.onnx" in capsys.readouterr().out.replace("\n", "")
    labels = ["up", "flat", "down", "up", "flat", "flat"]
    data = _write(tmp_path / "data.csv", zip(texts, labels, strict=True))
    options = ["--data", data, "--text_column", "sentence", "--label_column", "class"]
    report = tmp_path / "report.json"
    arguments = ["verify", str(bundle), f"{output}/onnx", *options, "--report", str(report)]
    assert cli.main(arguments) == 0
    (row,) = json.loads(report.read_text())["rows"]
    assert (row["format"], row["passed"]) == ("onnx", True)


def test_commands_report_errors(bundle, artifacts, texts, tmp_path, capsys):
    data = _write(tmp_path / "data.csv", [(texts[0], "sideways")])
    options = ["--data", data, "--text_column", "sentence", "--label_column", "class"]
    onnx = str(artifacts["onnx"].path)
    assert cli.main(["verify", str(bundle), onnx, *options]) == 2
    assert "sideways" in capsys.readouterr().err
    assert cli.main(["verify", str(bundle), str(tmp_path), *options]) == 2
    assert "is no artifact" in capsys.readouterr().err
    arguments = ["export", str(bundle), "--output", str(tmp_path), "--formats", "onx"]
    assert cli.main(arguments) == 2
    assert "Did you mean 'onnx'?" in capsys.readouterr().err
