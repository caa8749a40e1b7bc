"""Fine-tunes the same weights with the same numbers, here and with transformers, and scores both.

    python benchmarks/quality/run.py [TASK…] [--seeds 1 2 3] [--sides ours] [--limit 64]

Rows, weights and hyper-parameters are those of ``tasks.py``; transformers runs in an environment
of its own (``--peer``). The two take turns, each run in a process of its own. What was measured
goes to ``results/quality.json`` after each run; what is there, of the same task and seed, is not
measured again. ``--limit`` takes so few training and test rows that it only shows whether all of
it works, and has a record of its own. ``table.py`` shows the results.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import rows
from record import RESULT, SIDES, Record
from scores import SCORES
from tasks import TASKS, Task, read

HERE = pathlib.Path(__file__).parent


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
    record = Record(work / "quality.json" if options.limit else RESULT)
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
        place = f"[{number}/{len(turns)}] {task.name}, seed {seed}, {side}:"
        if seed in record.runs(task, side):
            print(place, "kept", flush=True)
            continue
        began = time.perf_counter()
        found = one(side, pythons[side], task, seed, work / task.name)
        record.add(task, side, seed, found)
        print(place, found["scores"], f"{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
