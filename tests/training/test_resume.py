"""Runs that a signal stops, in a process of their own, and that go on."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from keras_bert_zoo.training.finetune import finetune
from keras_bert_zoo.training.recipe import FinetuneRecipe

EPOCHS = 4


def command(values, *more):
    options = [f"--{name}={value}" for name, value in values.items()]
    return [sys.executable, "-m", "keras_bert_zoo", "finetune", *options, *more]


def stop_after_first_state(values, number):
    """Starts a run and signals it as soon as it has saved a state inside an epoch."""
    state = pathlib.Path(values["output"]) / "state.safetensors"
    process = subprocess.Popen(
        command(values), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 120
    while not state.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


@pytest.mark.parametrize(
    ("number", "code", "changes"),
    [
        (signal.SIGINT, 130, {}),
        pytest.param(signal.SIGTERM, 130, {}, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, {}, marks=pytest.mark.slow),
        pytest.param(
            signal.SIGINT, 130, {"lora_rank": 2, "freeze_layers": 1}, marks=pytest.mark.slow
        ),
    ],
)
def test_a_stopped_run_ends_with_the_same_weights(values, tmp_path, number, code, changes):
    # One width, for which each of three processes makes one graph.
    values.update(changes, epochs=EPOCHS, buckets=[20])
    whole = finetune(FinetuneRecipe(**{**values, "output": str(tmp_path / "whole")}), verbose=0)

    returned, output = stop_after_first_state(values, number)
    assert returned == code, output
    stopped = tmp_path / "run"
    assert (stopped / "state.safetensors").is_file()
    assert not (stopped / "bundle").exists()
    if number != signal.SIGKILL:
        assert "the state is in" in output
        assert "Traceback" not in output

    done = subprocess.run(command(values, "--resume"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    weights = [path / "bundle" / "model.safetensors" for path in (whole.bundle.parent, stopped)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    histories = [json.loads((p.parents[1] / "history.json").read_text()) for p in weights]
    for epoch in histories[0] + histories[1]:
        del epoch["tokens_per_second"]
    assert histories[0] == histories[1]


@pytest.mark.slow
def test_other_settings_do_not_go_on(values):
    values["epochs"] = EPOCHS
    returned, output = stop_after_first_state(values, signal.SIGINT)
    assert returned == 130, output
    for changes in ({"learning_rate": 1e-3}, {"train": values["validation"]}):
        recipe = FinetuneRecipe(**{**values, **changes, "resume": True})
        with pytest.raises(ValueError, match="cannot go on with other settings"):
            finetune(recipe, verbose=0)
    state = pathlib.Path(values["output"]) / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        finetune(FinetuneRecipe(**values, resume=True), verbose=0)


def test_a_file_that_would_be_lost_is_found_before_training(values):
    bundle = pathlib.Path(values["output"]) / "bundle"
    bundle.mkdir(parents=True)
    (bundle / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds \['notes\.txt'\]"):
        finetune(FinetuneRecipe(**values, overwrite=True), verbose=0)


def test_two_runs_at_once_do_not_share_a_directory(values):
    from keras_bert_zoo.atomic import locked

    output = pathlib.Path(values["output"])
    output.mkdir(parents=True)
    with (
        locked(output),
        pytest.raises(FileExistsError, match="another run writes into it at this moment"),
    ):
        finetune(FinetuneRecipe(**values), verbose=0)
    assert not list(output.iterdir())
