"""Writes what ``run.py`` measured into ``results/quality.json`` and the table of a page.

python benchmarks/quality/table.py [--work runs/quality/whole] [--page docs/quality.md]
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import re
import statistics
from typing import Any

from tasks import TASKS, Task

from keras_bert_zoo.atomic import write_text

HERE = pathlib.Path(__file__).parent
RESULT = HERE.parent / "results" / "quality.json"
PAGE = HERE.parent.parent / "docs" / "quality.md"
TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)
SIDES = ("ours", "transformers")
HEADER = (
    "task",
    "rows × epochs",
    "score",
    *SIDES,
    "difference, in standard deviations",
)


def runs(folder: pathlib.Path, side: str) -> dict[int, dict[str, Any]]:
    """What was measured, by seed."""
    found = sorted(folder.glob(f"{side}-*.json"))
    return {int(path.stem.rsplit("-")[-1]): json.loads(path.read_text()) for path in found}


def collect(task: Task, work: pathlib.Path) -> dict[str, Any] | None:
    """The scores and seconds of the seeds that both sides have; ``None`` for fewer than two."""
    both = {side: runs(work / task.name, side) for side in SIDES}
    seeds = sorted(set.intersection(*(set(each) for each in both.values())))
    if len(seeds) < 2:
        return None
    sides = {side: [found[seed] for seed in seeds] for side, found in both.items()}
    return {
        "seeds": seeds,
        "train": task.train,
        "epochs": task.epochs,
        "scores": {
            name: {side: [run["scores"][name] for run in all_of] for side, all_of in sides.items()}
            for name in task.metrics
        },
        "training": {side: [run["training"] for run in all_of] for side, all_of in sides.items()},
        "load": {side: [run["load"] for run in all_of] for side, all_of in sides.items()},
    }


def difference(ours: list[float], theirs: list[float]) -> str:
    """Of the means, in standard deviations of one run: the root of both variances' mean."""
    spread = math.sqrt((statistics.variance(ours) + statistics.variance(theirs)) / 2)
    gap = statistics.mean(ours) - statistics.mean(theirs)
    return f"{gap / spread:+.1f}" if spread else "–"


def lines(task: Task, found: dict[str, Any]) -> list[list[str]]:
    size = f"{found['train']:,} × {found['epochs']}"
    return [
        [
            task.title,
            size,
            name.replace("_", " "),
            *(f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in scores.values()),
            difference(*scores.values()),
        ]
        for name, scores in found["scores"].items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=pathlib.Path, default="runs/quality/whole")
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    options = parser.parse_args()
    found = {name: collect(task, options.work) for name, task in TASKS.items()}
    measured = {name: each for name, each in found.items() if each}
    cells = [HEADER, ["---"] * len(HEADER)]
    cells += [line for name, each in measured.items() for line in lines(TASKS[name], each)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in cells)
    if missing := [TASKS[name].title for name in found if name not in measured]:
        table += f"\nNot measured yet: {'; '.join(missing)}.\n"
    write_text(RESULT, json.dumps(measured, indent=2) + "\n")
    page = options.page.read_text(encoding="utf-8")
    write_text(options.page, TABLE.sub(lambda _: table, page))
    print(table)


if __name__ == "__main__":
    main()
