"""Writes what ``run.py`` measured into the table of a page.

python benchmarks/quality/table.py [--record FILE] [--page docs/quality.md]
"""

from __future__ import annotations

import argparse
import math
import pathlib
import re
import statistics

from record import RESULT, SIDES, Record
from tasks import TASKS, Task

from keras_bert_zoo.atomic import write_text

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "quality.md"
TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)
HEADER = (
    "task",
    "rows × epochs",
    "seeds",
    "score",
    *SIDES,
    "difference, in standard deviations",
)
Scores = dict[str, dict[str, list[float]]]


def collect(task: Task, record: Record) -> Scores | None:
    """The scores of the seeds that both sides have; ``None`` for fewer than two."""
    both = {side: record.runs(task, side) for side in SIDES}
    seeds = sorted(set.intersection(*map(set, both.values())))
    if len(seeds) < 2:
        return None
    return {
        name: {side: [runs[seed]["scores"][name] for seed in seeds] for side, runs in both.items()}
        for name in task.metrics
    }


def difference(ours: list[float], theirs: list[float]) -> str:
    """Of the means, in standard deviations of one run: the root of both variances' mean."""
    spread = math.sqrt((statistics.variance(ours) + statistics.variance(theirs)) / 2)
    gap = statistics.mean(ours) - statistics.mean(theirs)
    return f"{gap / spread:+.1f}" if spread else "–"


def lines(task: Task, found: Scores) -> list[list[str]]:
    return [
        [
            task.title,
            f"{task.train:,} × {task.epochs}",
            str(len(scores["ours"])),
            name.replace("_", " "),
            *(f"{statistics.mean(v):.3f} ± {statistics.stdev(v):.3f}" for v in scores.values()),
            difference(*scores.values()),
        ]
        for name, scores in found.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=pathlib.Path, default=RESULT)
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    options = parser.parse_args()
    found = {name: collect(task, Record(options.record)) for name, task in TASKS.items()}
    measured = {name: each for name, each in found.items() if each}
    cells = [HEADER, ["---"] * len(HEADER)]
    cells += [line for name, each in measured.items() for line in lines(TASKS[name], each)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in cells)
    if missing := [TASKS[name].title for name in found if name not in measured]:
        table += f"\nNot measured yet: {'; '.join(missing)}.\n"
    page = options.page.read_text(encoding="utf-8")
    write_text(options.page, TABLE.sub(lambda _: table, page))
    print(table)


if __name__ == "__main__":
    main()
