"""TFLite files that take a text: special tokens in one, and the code of the page that runs them."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import Runner, export, verify

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "tflite.md"
SPELT = "rise [MASK] the fox"


@pytest.fixture(scope="module")
def artifact(bundle, tmp_path_factory):
    output = tmp_path_factory.mktemp("text")
    return export(bundle, output, ["tflite-text"], lengths=24, progress=False)[0]


def verified(bundle, artifact, texts):
    labels = np.zeros(len(texts), "int32")
    report = verify(bundle, [artifact], Examples(texts, None, labels), progress=False)
    return report, report.rows[0]


def test_special_tokens_in_a_text_are_noted(bundle, artifact, texts):
    report, row = verified(bundle, artifact, (*texts, SPELT))
    note = f"the file tokenizes 1 of {len(texts) + 1} texts otherwise, e.g. '{SPELT}'"
    assert row.notes == (note,) and f"tflite-text: {note}" in report.to_markdown()
    assert report.passed, report.to_markdown()
    assert row.max_difference < 1e-5


@pytest.mark.slow
def test_texts_without_them_are_not_excused(make_bundle, artifact, texts, tmp_path):
    other = make_bundle(tmp_path / "other", seed=8)
    _, row = verified(other, artifact, (*texts, SPELT))
    assert any("from Keras, more than" in problem for problem in row.problems)
    _, row = verified(other, artifact, texts)
    assert row.notes == ()


@pytest.mark.slow
def test_texts_of_nothing_else_are_all_noted(bundle, artifact):
    report, row = verified(bundle, artifact, (SPELT, "[UNK]"))
    assert report.passed and row.notes[0].startswith("the file tokenizes 2 of 2 texts otherwise")


def test_the_code_of_the_page_runs_a_file_without_tensorflow(artifact, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    [code] = [block for block in blocks if "RTLD_GLOBAL" in block]
    shutil.copytree(artifact.path, tmp_path / "exports" / "tflite-text")
    code += "import sys\nassert not {'tensorflow', 'keras'} & {*sys.modules}"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("{'scores': array([[")


def test_a_runner_of_an_open_length_refuses_longer_rows(bundle, encode, tmp_path):
    run = Runner(export(bundle, tmp_path, ["tflite"], progress=False)[0], threads=1)
    inputs = encode(["rise"], 80)
    assert run(inputs)["logits"].shape == (1, 3)
    with pytest.raises(ValueError, match=r"at most 80 tokens in a row, .* received 81\. "):
        run({name: np.pad(rows, ((0, 0), (0, 1))) for name, rows in inputs.items()})
