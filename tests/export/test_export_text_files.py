"""TFLite files that take a text: special tokens in one, and the code of the page that runs them."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.export import ExportError, Runner, export, predictor, verify
from keras_bert_zoo.tasks.predictor import predictor as ours

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "tflite.md"
SPELT = "rise [MASK] the fox"


@pytest.fixture(scope="module")
def artifact(artifacts):
    return artifacts["tflite-text"]


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


def test_a_predictor_asks_it_as_it_does_the_bundle(bundle, artifact, texts, tmp_path):
    asked = [*texts, "", "rise \ud800"]  # half a surrogate pair
    ask, keras = predictor(artifact), ours(bundle)
    for found, expected in zip(ask(asked), keras(asked), strict=True):
        assert found["scores"] == pytest.approx(expected["scores"], abs=1e-5)
    table = tmp_path / "rows.csv"
    table.write_text("text,label\nrise,up\nthe fox,down\n", encoding="utf-8")
    assert ask.evaluate(str(table)) == keras.evaluate(str(table))
    with pytest.raises(ValueError, match="takes single texts, received pairs"):
        ask([("rise", "fall")])
    with pytest.raises(ExportError, match="leave max_length out"):
        predictor(artifact, max_length=8)


@pytest.mark.slow
def test_a_predictor_of_an_embedder_compares_pairs(make_bundle, texts, tmp_path):
    encoder = make_bundle(tmp_path / "encoder", problem_type=None)
    [artifact] = export(encoder, tmp_path, ["tflite-text"], lengths=(8, 32), progress=False)
    ask = predictor(artifact)
    pairs = [("rise", texts[1]), (texts[4], texts[1])]
    expected = ours(encoder, task="sentence_embedding", max_length=32)
    for asked, key in ((pairs, "similarity"), (texts, "embedding")):
        for mine, theirs in zip(ask(asked), expected(asked), strict=True):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-5)


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


def test_a_runner_of_an_open_length_refuses_longer_rows(artifacts, encode):
    run = Runner(artifacts["tflite"], threads=1)
    inputs = encode(["rise"], 80)
    assert run(inputs)["logits"].shape == (1, 3)
    with pytest.raises(ValueError, match=r"at most 80 tokens in a row, .* received 81\. "):
        run({name: np.pad(rows, ((0, 0), (0, 1))) for name, rows in inputs.items()})


@pytest.mark.slow
def test_a_model_that_has_learned_pairs_takes_no_single_texts(bundle, tmp_path):
    learned = shutil.copytree(bundle, tmp_path / "learned")
    config = json.loads((learned / "config.json").read_text(encoding="utf-8"))
    config["task_specific_params"] = {"sequence_classification": {"pairs": True}}
    (learned / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ExportError, match="take single texts, and the bundle has learned pairs"):
        export(learned, tmp_path / "out", ["tflite", "tflite-text"], lengths=24, progress=False)
    assert not (tmp_path / "out").exists()
