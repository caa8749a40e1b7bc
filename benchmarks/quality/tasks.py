"""What both sides learn, with one set of hyper-parameters: a row for each task.

Imports nothing but Python: the peer reads it in an environment without this project.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import time
from typing import Any

Row = dict[str, Any]
Clock = dict[str, float]
# What rows say of the right answer.
_WANTED = ("label", "labels", "tags", "answers", "summary")
# Of a summary: its sentences, and the words that no two of them share in a row.
SUMMARY_SENTENCES, SUMMARY_BLOCK = 2, 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """One data set, how it is learned, and what is scored.

    Args:
        name: of the task.
        title: for the table.
        kind: ``classes``, ``number``, ``tags``, ``answers`` or ``sentences``.
        train: the first so many training rows.
        pairs: whether rows are pairs of texts.
        metrics: names in ``scores.py``.
        max_length: tokens at which rows are cut; contexts of questions go on in further rows.
        start: the weights to start from, see ``rows.start``.
        epochs: passes over the training rows.
        learning_rate: the peak, reached after ``warmup`` of all steps, then falling to 0.
        batch_size: rows of a step.
        warmup: part of all steps.
        weight_decay: of kernels and embeddings.
        clip: largest norm of all gradients.
        stride: tokens that rows of one text share.
        max_answer: tokens of the longest answer.
        n_best: first and last tokens that transformers tries.
    """

    name: str
    title: str
    kind: str
    train: int
    pairs: bool = False
    metrics: tuple[str, ...]
    max_length: int
    start: str = "minilm"
    epochs: int = 2
    learning_rate: float = 1e-4
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    stride: int = 64
    max_answer: int = 30
    n_best: int = 20


_ROWS = (
    Task(
        name="sst2",
        title="SST-2, dev",
        kind="classes",
        train=2000,
        max_length=64,
        metrics=("accuracy",),
    ),
    Task(
        name="sick-relatedness",
        title="SICK relatedness, test",
        kind="number",
        train=2000,
        # With fewer updates some seeds of both sides stay where the loss is flat.
        learning_rate=2e-4,
        batch_size=16,
        epochs=4,
        pairs=True,
        max_length=96,
        metrics=("spearman",),
    ),
    Task(
        name="sick-entailment",
        title="SICK entailment, test",
        kind="classes",
        train=2000,
        pairs=True,
        max_length=96,
        metrics=("accuracy",),
    ),
    Task(
        name="wnut17",
        title="WNUT-17 names, test",
        kind="tags",
        train=1500,
        learning_rate=3e-4,
        batch_size=16,
        epochs=3,
        max_length=96,
        metrics=("f1",),
    ),
    Task(
        name="squad",
        title="SQuAD, questions of 11 articles; XQuAD English",
        kind="answers",
        train=1000,
        learning_rate=3e-4,
        batch_size=16,
        epochs=3,
        max_length=256,
        metrics=("exact_match", "f1"),
    ),
    Task(
        name="aclsum",
        title="ACLSum outcomes, test",
        kind="sentences",
        train=100,
        learning_rate=3e-4,
        batch_size=8,
        epochs=2,
        max_length=256,
        metrics=("rouge1", "rouge2", "rougeLsum"),
    ),
    Task(
        name="reviews-zh",
        title="Chinese reviews, from random weights",
        kind="classes",
        train=4000,
        max_length=96,
        start="chinese",
        learning_rate=5e-4,
        metrics=("accuracy",),
    ),
)
TASKS = {task.name: task for task in _ROWS}


@dataclasses.dataclass(frozen=True)
class Run:
    """What a runner is told on its command line.

    Args:
        task: what to learn.
        seed: of new layers, order and dropout.
        data: folder with ``train.jsonl`` and ``test.jsonl``.
        start: directory of the weights to start from.
        output: the file for what was predicted of the test rows.
    """

    task: Task
    seed: int
    data: pathlib.Path
    start: pathlib.Path
    output: pathlib.Path

    @classmethod
    def from_command_line(cls) -> Run:
        """Parses the arguments."""
        parser = argparse.ArgumentParser()
        parser.add_argument("task", choices=TASKS)
        parser.add_argument("--seed", type=int, required=True)
        for name in ("data", "start", "output"):
            parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
        options = vars(parser.parse_args())
        return cls(**options | {"task": TASKS[options["task"]]})

    def rows(self, split: str) -> list[Row]:
        """All of a split."""
        return read(self.data / f"{split}.jsonl")

    def questions(self) -> list[Row]:
        """The test rows without what is to be predicted."""
        return [{k: v for k, v in row.items() if k not in _WANTED} for row in self.rows("test")]

    def write(self, predicted: list[Any], *clocks: Clock) -> None:
        """Writes predictions, and how long training and predicting took.

        Args:
            predicted: what is scored of each test row.
            clocks: when training began, when predicting did, and when it ended.
        """
        names = ("training", "predicting")
        spans = zip(names, clocks, clocks[1:], strict=False)
        measured = {name: {key: end[key] - begin[key] for key in end} for name, begin, end in spans}
        content = json.dumps({"measured": measured, "predicted": predicted}, ensure_ascii=False)
        self.output.write_text(content, encoding="utf-8")


def clock() -> Clock:
    """Seconds: of the wall, and of this process on all processors."""
    return {"elapsed": time.perf_counter(), "processor": time.process_time()}


def read(path: pathlib.Path) -> list[Row]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
