"""A task that lies outside the package: the example's, on a tiny checkpoint."""

from __future__ import annotations

import ast
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_bert_zoo import models, tasks

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "custom_task.py"


def test_every_task_has_a_model():
    without = {"pretraining", "replaced_tokens"}  # only pretrained, never asked
    trained = {*models.TASKS} - without | {"seq2seq", "causal_lm"}
    assert set(tasks.TASKS) == trained
    for name in tasks.TASKS:
        assert issubclass(
            tasks.task_named(name), tasks.task_named("sequence_classification").mro()[1]
        )


def test_an_unknown_task_and_a_taken_name_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'token_classification'"):
        tasks.task_named("token_clasification")
    with pytest.raises(ValueError, match="There is a task 'masked_lm' already"):
        tasks.register("masked_lm", object, object, [], published="X")


@pytest.mark.slow
def test_the_example_learns_and_exports_through_the_package(checkpoint, tmp_path):
    generator = np.random.default_rng(0)
    rows = []
    for _ in range(150):
        words = [f"w{i}" for i in generator.integers(0, 20, generator.integers(1, 9))]
        at = int(generator.integers(0, len(words) + 1))
        rows.append({"tokens": [*words[:at], "bobby", *words[at:]], "word": at})
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    # As a script: child processes of the export must find the task in it.
    command = [sys.executable, EXAMPLE, checkpoint, path, tmp_path / "run"]
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = ast.literal_eval(ran.stdout.splitlines()[-1])
    assert found["accuracy"] > 0.9
    assert found["word"] == rows[0]["word"]
    config = json.loads((tmp_path / "run" / "bundle" / "config.json").read_text())
    assert config["architectures"] == ["BertForPointing"]
