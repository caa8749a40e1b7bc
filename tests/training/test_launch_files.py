"""The launch files of examples/pretraining: what they set is what a worker reads."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

FILES = pathlib.Path(__file__).parents[2] / "examples/pretraining"
READ = "from keras_bert_zoo.training import distribution as d; print(d.workers(), d.worker_index())"


@pytest.fixture(scope="module")
def kubernetes():
    documents = yaml.safe_load_all((FILES / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def test_the_pods_find_each_other(kubernetes):
    job, service = kubernetes["Job"], kubernetes["Service"]
    pod = job["spec"]["template"]["spec"]
    name = job["metadata"]["name"]
    assert pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": name}
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 2
    script = pod["containers"][0]["args"][0]
    for index in range(job["spec"]["completions"]):
        assert f"{name}-{index}.{pod['subdomain']}:2222" in script


@pytest.mark.slow
def test_a_pod_sets_what_a_worker_reads(kubernetes):
    script = kubernetes["Job"]["spec"]["template"]["spec"]["containers"][0]["args"][0]
    setting = script[: script.index("if [")]
    printed = shell(setting + 'printf "%s" "$TF_CONFIG"', JOB_COMPLETION_INDEX="1")
    assert json.loads(printed)["task"] == {"type": "worker", "index": 1}
    assert read_by_a_worker(printed) == "2 1"


def test_a_slurm_task_sets_what_a_worker_reads(tmp_path):
    """With a scontrol and a command that stand for those of the cluster."""
    programs = {
        "scontrol": "printf 'gpu01\\ngpu02\\n'",
        "keras-bert-zoo": 'printf "%s|%s" "$TF_CONFIG" "$*"',
        "srun": 'SLURM_NODEID=1 "$@"',
    }
    for name, body in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    script = f"cd {tmp_path} && bash {FILES / 'slurm.sh'}"
    config, arguments = shell(script, PATH=path, SLURM_JOB_NODELIST="gpu[01-02]").split("|")
    assert json.loads(config)["cluster"] == {"worker": ["gpu01:2222", "gpu02:2222"]}
    assert read_by_a_worker(config) == "2 1"
    assert arguments == "pretrain bert-base --shards data/shards --output runs/bert-base"
    (tmp_path / "runs/bert-base/checkpoints").mkdir(parents=True)
    again = shell(script, PATH=path, SLURM_JOB_NODELIST="gpu[01-02]")
    assert again.endswith("--resume")


def shell(script, **variables):
    environment = {**os.environ, **variables}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_by_a_worker(config):
    environment = {**os.environ, "TF_CONFIG": config, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", READ], env=environment, capture_output=True)
    return done.stdout.decode().strip()


@pytest.mark.clients
def test_kubernetes_takes_the_manifest(kubernetes):
    import kubernetes_validate

    for document in kubernetes.values():
        kubernetes_validate.validate(document, "1.30", strict=True)
