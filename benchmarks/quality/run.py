"""Fine-tunes the same weights with the same numbers, here and with transformers, and scores both.

    python benchmarks/quality/run.py [TASK…] [--seeds 1 2 3] [--sides ours] [--limit 64]

Rows, weights and hyper-parameters are those of ``tasks.py``; transformers runs in an environment
of its own (``--peer``). The two take turns, each run in a process of its own. A result that is
there, of the same task, is kept, so a run that was stopped goes on. ``--limit`` takes so few
training and test rows that it only shows whether all of it works. ``table.py`` shows the results.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import rows
from scores import SCORES
from tasks import TASKS, Task, read

from keras_bert_zoo.atomic import write_text

HERE = pathlib.Path(__file__).parent
SIDES = {"ours": "ours.py", "transformers": "torch_peer.py"}


def one(side: str, python: str, task: Task, seed: int, folder: pathlib.Path) -> dict[str, Any]:
    """Runs one side once; what was measured and scored."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "predicted.json"
        paths = {"data": folder, "start": rows.start(task, folder), "output": output}
        command = [python, str(HERE / SIDES[side]), task.name, f"--seed={seed}"]
        command += [f"--{name}={path.resolve()}" for name, path in paths.items()]
        with (folder / f"{side}-{seed}.log").open("w") as log:
            subprocess.run(command, env=environment, stdout=log, stderr=log, check=True)
        found = json.loads(output.read_text(encoding="utf-8"))
    scores = SCORES[task.kind](read(folder / "test.jsonl"), found["predicted"])
    scores = {name: float(scores[name]) for name in task.metrics}
    return {"scores": scores, **found["measured"], "load": [before, os.getloadavg()[0]]}


def is_done(result: pathlib.Path, task: Task) -> bool:
    described = json.loads(json.dumps(dataclasses.asdict(task)))
    return result.is_file() and json.loads(result.read_text())["task"] == described


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"of {', '.join(TASKS)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--data", type=pathlib.Path, default="data")
    parser.add_argument("--work", type=pathlib.Path, default="runs/quality")
    parser.add_argument("--peer", default=".venv-peers/bin/python")
    options = parser.parse_args()
    if unknown := sorted(set(options.tasks) - set(TASKS)):
        parser.error(f"there are no tasks {unknown}; there are {list(TASKS)}")
    chosen = [TASKS[name] for name in options.tasks or TASKS]
    work = options.work / (f"limit-{options.limit}" if options.limit else "whole")
    for task in chosen:
        rows.prepare(task, options.data, work / task.name, options.limit)
    pythons = {"ours": sys.executable, "transformers": options.peer}
    # Who begins changes, for a machine that gets slower or faster.
    turns = [
        (task, seed, side)
        for seed in options.seeds
        for task in chosen
        for side in (list(SIDES) if seed % 2 else reversed(SIDES))
        if side in options.sides
    ]
    for number, (task, seed, side) in enumerate(turns, start=1):
        result = work / task.name / f"{side}-{seed}.json"
        place = f"[{number}/{len(turns)}] {task.name}, seed {seed}, {side}:"
        if is_done(result, task):
            print(place, "kept", flush=True)
            continue
        began = time.perf_counter()
        found = {"task": dataclasses.asdict(task)}
        found |= one(side, pythons[side], task, seed, work / task.name)
        write_text(result, json.dumps(found, indent=2) + "\n")
        print(place, found["scores"], f"{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
