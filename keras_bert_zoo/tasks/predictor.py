"""Text in, answer out.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo import bundle
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.evaluation.prediction import (
    Runner,
    checked_max_length,
    keras_runner,
    outputs_of,
)
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.task import Labels, Settings, Task


@dataclasses.dataclass(frozen=True)
class Predictor:
    """Answers questions of one task, with a Keras model or with what was exported of it.

    ``predictor`` makes one of a bundle, ``export.predictor`` one of an artifact.

    Args:
        run: runs a batch of ids.
        task: reads questions and answers.
        tokenizer: the model's.
        labels: its classes; empty for tasks without.
        batch_size: rows at once.
    """

    run: Runner
    task: Task[Any]
    tokenizer: Any
    labels: Labels
    batch_size: int = 64

    def __call__(self, questions: Sequence[Any]) -> list[dict[str, Any]]:
        """Answers questions.

        Args:
            questions: texts, pairs of texts, or dicts, as the task has them.

        Returns:
            A dict for each, that JSON can hold; see ``answers`` of the task.

        Raises:
            ValueError: a question is something else, or the model answers with NaN.
        """
        examples = self.task.asked(questions)
        if not len(examples):
            return []
        return self.task.answers(examples, *self._asked(examples), self.labels)

    def evaluate(self, source: str) -> dict[str, float]:
        """Scores the answers to the labelled examples of a file; see ``score`` of the task."""
        examples = self.task.read(source)
        return self.task.score(examples, *self._asked(examples), self.labels)

    def _asked(self, examples: Any) -> tuple[Rows, dict[str, np.ndarray]]:
        rows = self.task.rows(examples, self.tokenizer, self.labels)
        outputs = outputs_of(
            self.run,
            rows,
            max_length=self.task.settings.max_length,
            sequences=self.task.sequences,
            batch_size=self.batch_size,
        )
        return rows, outputs


def predictor(
    source: str | pathlib.Path,
    *,
    task: str | None = None,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = 64,
    **columns: Any,
) -> Predictor:
    """Loads a fine-tuned model with what is needed to ask it.

    Args:
        source: of ``load``.
        task: one of ``tasks.TASKS``; by default what the checkpoint was trained for.
        max_length: tokens of a row; by default as many as the model has room for.
        options: of the task, see its ``Options``.
        batch_size: rows at once.
        **columns: of ``Settings``: where files have their texts and labels.

    Raises:
        ValueError: the checkpoint has no head for the task, or no tokenizer.
    """
    loaded = bundle.load(source, task=task, fresh_head=False)
    name = loaded.model.task
    if name is None:
        raise ValueError(
            f"{source} is an encoder without a head: there is nothing to ask it. Fine-tune it, or "
            "pass task=… for a head that it holds."
        )
    settings = Settings(
        max_length=checked_max_length(loaded.config, loaded.tokenizer, max_length),
        problem_type=getattr(loaded.model, "problem_type", None),
        options=options or {},
        **columns,
    )
    asking = task_named(name)(settings)
    return Predictor(
        keras_runner(asking.prepared(loaded.model)),
        asking,
        loaded.tokenizer,
        loaded.config.labels,
        batch_size,
    )
