"""Workers, real kills and memory, of the command in processes of its own."""

from __future__ import annotations

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from keras_bert_zoo.corpus.shards import Shards

from .conftest import contents

pytestmark = pytest.mark.slow


def command(corpus, output, tokenizer, workers=2, **options):
    values = {"output": output, "tokenizer": tokenizer, "workers": workers, **options}
    words = [f"--{name}={value}" for name, value in values.items()]
    return [sys.executable, "-m", "keras_bert_zoo", "prepare", str(corpus), *words]


def write_corpus(path, megabytes):
    """Documents of random words; every tenth was there before."""
    generator = random.Random(3)
    words = ["".join(generator.choices("etaoinshr", k=generator.randint(1, 8))) for _ in range(999)]
    lines: list[str] = []
    with path.open("w") as file:
        while file.tell() < megabytes * 1e6:
            again = lines and generator.random() < 0.1
            fresh = ". ".join(" ".join(generator.choices(words, k=9)).title() for _ in range(30))
            line = generator.choice(lines) if again else fresh
            lines = [*lines[-500:], line]
            file.write(line + "\n")
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus") / "corpus.txt", 12)


OPTIONS = {"format": "documents", "held_out": 0.1, "shard_tokens": 1_000_000}


@pytest.fixture(scope="module")
def whole(corpus, tokenizer, tmp_path_factory):
    output = tmp_path_factory.mktemp("whole") / "shards"
    subprocess.run(command(corpus, output, tokenizer, **OPTIONS), check=True, capture_output=True)
    assert len(Shards(output)) >= 3
    return contents(output)


def test_one_worker_and_three_write_the_same(corpus, tokenizer, whole, tmp_path):
    for workers in (1, 3):
        output = tmp_path / str(workers)
        made = command(corpus, output, tokenizer, workers, **OPTIONS)
        subprocess.run(made, check=True, capture_output=True)
        assert contents(output) == whole


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(
    corpus, tokenizer, whole, tmp_path
):
    generator = random.Random(4)
    output = tmp_path / "shards"
    kills = 0
    while True:
        process = psutil.Popen(
            command(corpus, output, tokenizer, **OPTIONS),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        before = len(list(output.glob("shard-*")))
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(output.glob("shard-*"))) > before:
                break
            time.sleep(0.002)
        time.sleep(generator.random() * 0.5)
        workers = []
        with contextlib.suppress(psutil.NoSuchProcess):  # it may be done already
            workers = process.children(recursive=True)
            process.kill()
        said, _ = process.communicate()
        # No worker outlives its parent.
        _, alive = psutil.wait_procs(workers, timeout=20)
        assert not alive
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, said
        kills += 1
    assert kills >= 2
    assert contents(output) == whole


def test_a_worker_that_is_killed_is_an_error_and_loses_nothing(corpus, tokenizer, whole, tmp_path):
    output = tmp_path / "shards"
    made = command(corpus, output, tokenizer, **OPTIONS)
    process = subprocess.Popen(made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while process.poll() is None and not list(output.glob("shard-*")):
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    # The last ones to start are those that encode; the others fork them.
    os.kill(max(workers, key=lambda worker: worker.create_time()).pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "A worker was killed" in said
    subprocess.run(made, check=True, capture_output=True)
    assert contents(output) == whole


def peak(made):
    """Most memory of a process and those it starts, in MB."""
    process = psutil.Popen(made, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    most = 0
    while process.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.01)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    return most / 1e6


def test_memory_does_not_grow_with_the_corpus(tokenizer, tmp_path):
    peaks = {}
    for megabytes in (16, 64):
        path = write_corpus(tmp_path / f"{megabytes}.txt", megabytes)
        made = command(path, tmp_path / f"out-{megabytes}", tokenizer, 1, **OPTIONS)
        peaks[megabytes] = peak(made)
    assert peaks[64] < peaks[16] + 40, peaks


@pytest.mark.parametrize("text", ["word ", "好"])
def test_one_line_of_100_megabytes(tokenizer, tmp_path, text):
    small, long = tmp_path / "small.txt", tmp_path / "long.txt"
    small.write_text((text * 2**22)[: 2**22])
    with pathlib.Path(long).open("w") as file:
        for _ in range(100):
            file.write((text * 2**20)[: 2**20])
    rest = {"format": "documents", "deduplicate": "false"}
    limit = peak(command(small, tmp_path / "out-small", tokenizer, 1, **rest))
    start = time.monotonic()
    # The line once, and what the allocator keeps of pieces; not its text and its bytes.
    assert peak(command(long, tmp_path / "out-long", tokenizer, 1, **rest)) < limit + 150
    assert time.monotonic() - start < 120
