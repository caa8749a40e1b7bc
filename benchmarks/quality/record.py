"""What was measured: of each task its row of ``tasks.py``, and the runs of both sides by seed."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

from tasks import Task

from keras_bert_zoo.atomic import write_text

RESULT = pathlib.Path(__file__).parents[1] / "results" / "quality.json"
# Name in the record: the script of a run.
SIDES = {"ours": "ours.py", "transformers": "torch_peer.py"}


@dataclasses.dataclass(frozen=True)
class Record:
    """A file of runs; one that is not there has none.

    Args:
        path: of the file.
    """

    path: pathlib.Path = RESULT

    def runs(self, task: Task, side: str) -> dict[int, dict[str, Any]]:
        """The runs of one side by seed: those of the task as it is now."""
        known = self._read().get(task.name, {})
        if known.get("task") != _described(task):
            return {}
        return {int(seed): run for seed, run in known["runs"].get(side, {}).items()}

    def add(self, task: Task, side: str, seed: int, run: dict[str, Any]) -> None:
        """Writes one run; those of the task as it was are forgotten."""
        runs = {name: self.runs(task, name) for name in SIDES}
        runs[side] = dict(sorted({**runs[side], seed: run}.items()))
        content = self._read() | {task.name: {"task": _described(task), "runs": runs}}
        write_text(self.path, json.dumps(content, indent=2) + "\n")

    def _read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.is_file() else {}


def _described(task: Task) -> dict[str, Any]:
    """The task as JSON gives it back."""
    return json.loads(json.dumps(dataclasses.asdict(task)))
