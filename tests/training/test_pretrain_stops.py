"""Pretraining that is killed, asked to stop, or loses a worker, in processes of its own."""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors.numpy

QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def write_recipe(path, values):
    # JSON is YAML.
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def start(recipe, *more, **options):
    command = [sys.executable, "-m", "keras_bert_zoo", "pretrain", str(recipe), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=QUIET, **pipes, **options)


def finish(process):
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def model_bytes(output):
    return (pathlib.Path(output) / "bundle" / "model.safetensors").read_bytes()


def checkpoints(output):
    return sorted(path.name for path in (pathlib.Path(output) / "checkpoints").glob("step-*"))


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()[0]


@pytest.fixture
def recipe(pretraining, tmp_path):
    """A recipe that takes long enough to be stopped."""
    pretraining["phases"][0]["steps"] = 60
    return write_recipe(tmp_path / "recipe.yaml", pretraining)


def points(output):
    lines = (pathlib.Path(output) / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(x).items() if k != "tokens_per_second"} for x in lines]


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(each_objective, tmp_path):
    each_objective["phases"][0]["steps"] = 60  # long enough to be stopped
    recipe = write_recipe(tmp_path / "recipe.yaml", each_objective)
    code, output = finish(start(recipe, f"--output={tmp_path / 'whole'}"))
    assert code == 0, output
    killed = tmp_path / "killed"
    random = np.random.default_rng(3)
    process = start(recipe, f"--output={killed}")
    for _ in range(4):
        before = checkpoints(killed)
        wait_for(lambda before=before: checkpoints(killed) not in ([], before), process)
        time.sleep(random.uniform(0, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        assert finish(process)[0] == -signal.SIGKILL
        process = start(recipe, f"--output={killed}", "--resume")
    code, output = finish(process)
    assert code == 0, output
    assert model_bytes(killed) == model_bytes(tmp_path / "whole")
    whole = {point["step"]: point for point in points(tmp_path / "whole")}
    validated = [point for point in points(killed) if "val_perplexity" in point]
    assert validated
    for point in validated:
        expected = whole[point["step"]]
        assert all(point[k] == v for k, v in expected.items() if k.startswith("val_"))


@pytest.mark.slow
def test_asked_to_stop_it_saves_and_goes_on(recipe, pretraining, tmp_path):
    process = start(recipe, "--save_steps=10000")
    history = pathlib.Path(pretraining["output"]) / "history.jsonl"
    wait_for(lambda: history.is_file() and history.read_text(), process)
    os.kill(process.pid, signal.SIGTERM)
    code, output = finish(process)
    assert code == 130, output
    step = int(re.search(r"stopped after (\d+) steps; go on with resume", output)[1])
    assert checkpoints(pretraining["output"])[-1] == f"step-{step:08}.safetensors"
    assert "Traceback" not in output
    code, output = finish(start(recipe, "--resume", "--seed=9"))
    assert code == 2 and "cannot go on with other settings: seed: was 1, is 9" in output
    newest = pathlib.Path(pretraining["output"]) / "checkpoints" / f"step-{step:08}.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    code, output = finish(start(recipe, "--resume"))
    assert code == 0, output
    assert "damaged" in output and "The one before it is taken" in output


@pytest.mark.slow
def test_a_full_disk_loses_no_earlier_checkpoint(recipe, pretraining):
    """A limit on the size of files stands for the disk: the second checkpoint hits it."""
    process = start(recipe, "--save_steps=5")
    checkpoint = pathlib.Path(pretraining["output"]) / "checkpoints" / "step-00000005.safetensors"
    wait_for(checkpoint.is_file, process)
    limits = (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
    code, output = finish(process)
    assert code == 2, output
    assert re.search(r"checkpoint of step \d+ could not be written.*last good one is", output, re.S)
    left = checkpoints(pretraining["output"])
    assert left
    for name in left:
        safetensors.numpy.load_file(checkpoint.with_name(name))
    code, output = finish(start(recipe, "--resume"))
    assert code == 0, output


def without_dropout(pretraining, tmp_path, **changes):
    sizes = pretraining["encoder"] or pretraining["decoder"]
    sizes |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    if pretraining["encoder"] is None:
        sizes["embd_pdrop"] = 0.0
    return write_recipe(tmp_path / "recipe.yaml", {**pretraining, **changes})


@pytest.mark.slow
def test_two_workers_give_the_weights_of_one(each_objective, tmp_path):
    recipe = without_dropout(each_objective, tmp_path)
    arrays = []
    for name, more in {"one": [], "two": ["--cluster=local:2"]}.items():
        code, output = finish(start(recipe, f"--output={tmp_path / name}", *more))
        assert code == 0, output
        path = tmp_path / name / "bundle" / "model.safetensors"
        arrays.append(safetensors.numpy.load_file(path))
    for name, array in arrays[0].items():
        np.testing.assert_allclose(arrays[1][name], array, atol=1e-6, err_msg=name)


def children(process):
    """The workers of a cluster, in their order."""
    import psutil

    return psutil.Process(process.pid).children()


@pytest.mark.slow
def test_workers_stop_together_when_one_is_asked_to(pretraining, tmp_path):
    pretraining["phases"][0]["steps"] = 400
    recipe = without_dropout(pretraining, tmp_path, save_steps=10_000)
    process = start(recipe, "--cluster=local:2")
    history = pathlib.Path(pretraining["output"]) / "history.jsonl"
    wait_for(lambda: history.is_file() and history.read_text(), process)
    children(process)[1].send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 130, output
    assert len(set(re.findall(r"stopped after (\d+) steps", output))) == 1
    assert len(checkpoints(pretraining["output"])) == 2
    step = int(checkpoints(pretraining["output"])[-1][5:13])
    assert 0 < step < 400
    process = start(recipe, "--cluster=local:2", "--resume")
    first = len(history.read_text().splitlines())
    wait_for(lambda: len(history.read_text().splitlines()) > first + 1, process)
    os.kill(process.pid, signal.SIGTERM)
    assert finish(process)[0] == 130


@pytest.mark.slow
def test_a_worker_that_is_killed_leaves_a_state_to_go_on_from(pretraining, tmp_path):
    pretraining["phases"][0]["steps"] = 400
    recipe = without_dropout(pretraining, tmp_path, save_steps=5)
    process = start(recipe, "--cluster=local:2")
    output = pretraining["output"]
    wait_for(lambda: len(checkpoints(output)) > 1, process)
    children(process)[1].kill()
    code, printed = finish(process)
    assert code == 2, printed
    assert "Worker 1 was killed by SIGKILL; the others were stopped" in printed
    # One worker goes on with what two have begun.
    process = start(recipe, "--resume")
    step = int(checkpoints(output)[-1][5:13])
    wait_for(lambda: int(checkpoints(output)[-1][5:13]) > step, process)
    os.kill(process.pid, signal.SIGTERM)
    assert finish(process)[0] == 130


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--devices=[CPU:0,CPU:1,CPU:2]", "batch_size 16 must be a multiple of 3: 3 devices"),
        ("--devices=[GPU:7]", r"devices must be different ones of \['CPU:0'\]"),
        ("--cluster=local:1", "cluster must be local:N with at least 2 workers"),
        ("--cluster=local:3", "batch_size 16 must be a multiple of 3"),
    ],
)
def test_devices_that_do_not_do(pretraining, tmp_path, option, message):
    recipe = write_recipe(tmp_path / "recipe.yaml", pretraining)
    code, output = finish(start(recipe, option))
    assert code == 2 and re.search(message, output), output
    assert "Traceback" not in output
