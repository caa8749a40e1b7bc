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
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.evaluation.embeddings import bar_of, once_each
from keras_bert_zoo.evaluation.prediction import (
    InTurn,
    Observe,
    Runner,
    checked_max_length,
    outputs_of,
)
from keras_bert_zoo.tasks import TASKS, task_named
from keras_bert_zoo.tasks.task import (
    Labels,
    Settings,
    Task,
    pair_column_of,
    remembered,
    remembering,
)


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
        model: of Keras; ``None`` of an artifact.
        in_turn: how ``run`` is called for several batches: ``map``, or what does the same.
    """

    run: Runner
    task: Task[Any]
    tokenizer: Any
    labels: Labels
    batch_size: int = 64
    model: Any = None
    in_turn: InTurn = map

    def __call__(self, questions: Sequence[Any]) -> list[dict[str, Any]]:
        """Answers questions.

        Args:
            questions: texts, pairs of texts, or dicts, as the task has them.

        Returns:
            A dict for each, that JSON can hold; see ``answers`` of the task.

        Raises:
            ValueError: a question is something else, or the model answers with NaN.
        """
        if isinstance(questions, str | bytes | Mapping):
            raise ValueError("Pass a list of questions, received one.")
        examples = self.task.asked(questions)
        if not len(examples):
            return []
        return self.task.answers(examples, *self.outputs(examples), self.labels)

    def encode(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Embeds texts, and one that is there twice once: the vectors of the answers, as an array.

        Args:
            texts: N strings.
            progress: whether a bar is drawn.

        Returns:
            ``(N, D)``, in the order of the texts.

        Raises:
            ValueError: the task is another, or a text is not a string.
        """
        if not isinstance(self.task, task_named("sentence_embedding")):
            raise ValueError(
                "encode is for sentence_embedding, received a predictor of "
                f"{type(self.task).__name__}. Load one with task='sentence_embedding', or call "
                "the predictor."
            )
        distinct, places = once_each(texts)
        observe = bar_of(len(distinct)) if progress and distinct else None
        # Of no text at all, the answer to one tells the width.
        _, outputs = self.outputs(self.task.asked(distinct or [""]), observe)
        return self.task.vectors(outputs)[places]

    def evaluate(self, source: str, limit: int | None = None) -> dict[str, float]:
        """Scores the answers to the labelled examples of a file; see ``score`` of the task.

        Args:
            source: the file.
            limit: how many examples, the first ones; by default all.

        Raises:
            ValueError: ``limit`` is less than 1; as ``read`` of the task.
        """
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, or None, received {limit}.")
        examples = self.task.read(source)[:limit]
        return self.task.score(examples, *self.outputs(examples), self.labels)

    def outputs(
        self, examples: Any, observe: Observe | None = None
    ) -> tuple[Rows, dict[str, np.ndarray]]:
        """The rows of examples, and what the model says of them; ``observe`` sees each batch."""
        rows = self.task.rows(examples, self.tokenizer, self.labels)
        outputs = outputs_of(
            self.run,
            rows,
            max_length=self.task.settings.max_length,
            sequences=self.task.sequences,
            batch_size=self.batch_size,
            observe=observe,
            in_turn=self.in_turn,
        )
        return rows, outputs


def predictor(
    source: str | pathlib.Path | bundle.Bundle,
    *,
    task: str | None = None,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = 64,
    **columns: Any,
) -> Predictor:
    """Loads a fine-tuned model with what is needed to ask it.

    Args:
        source: of ``load``, or what it returned.
        task: one of ``tasks.TASKS``; by default what the checkpoint was trained for, and always of
            what was loaded.
        max_length: tokens of a row; by default as in its training, else as many as the model
            has room for.
        options: of the task, see its ``Options``; by default those it was fine-tuned with.
        batch_size: rows at once.
        **columns: of ``Settings``: where files have their texts and labels.

    Raises:
        ValueError: the checkpoint has no head for the task, or no tokenizer.
    """
    _check_columns(columns)
    if isinstance(source, bundle.Bundle):
        named, own = "The model", source.model.task
    else:
        named, own = str(source), bundle.trained_for(source)
    # Of what was pretrained, the masked words are what can be asked.
    name = task or {"pretraining": "masked_lm"}.get(own or "", own)
    if name is None:
        raise ValueError(
            f"{named} is an encoder without a head: it answers with vectors alone "
            "(task='sentence_embedding'). Fine-tune it, or name a task whose head it has: one of "
            f"{sorted(TASKS)}."
        )
    task_named(name)  # before anything is loaded
    loaded = _loaded(source, name)
    config, tokenizer = loaded.config, loaded.tokenizer
    if name == "sentence_embedding" and (length := loaded.model.head["max_seq_length"]):
        # Where `encode` cuts, and sentence-transformers, whatever was long enough to train with.
        config = remembering(config, name, max_length=min(length, config.max_tokens))
    asking = task_of(name, config, tokenizer, max_length=max_length, options=options, **columns)
    model = asking.prepared(loaded.model)
    return Predictor(asking.runner(model), asking, tokenizer, config.labels, batch_size, model)


def _loaded(source: str | pathlib.Path | bundle.Bundle, task: str) -> bundle.Bundle:
    if not isinstance(source, bundle.Bundle):
        return bundle.load(source, task=task, fresh_head=False)
    if source.model.task != task:
        raise ValueError(
            f"The bundle in memory is one for {source.model.task!r}, which is not asked as "
            f"{task!r}. Save it, and pass its directory."
        )
    return source


def task_of(
    name: str,
    config: EncoderConfig,
    tokenizer: Any,
    *,
    max_length: int | None = None,
    most: int | None = None,
    options: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Task[Any]:
    """A task as a model was trained for it, but for what is asked otherwise.

    Args:
        name: one of ``tasks.TASKS``.
        config: of the model.
        tokenizer: the model's.
        max_length: see ``predictor``.
        most: tokens of a row that there is room for beside what the model has.
        options: see ``predictor``.
        **columns: see ``predictor``.

    Raises:
        ValueError: an argument is unknown or out of range, or there is no tokenizer.
    """
    _check_columns(columns)
    before = remembered(config, name)
    length = before.get("max_length") if max_length is None else max_length
    length = checked_max_length(config, tokenizer, length)
    if most is not None and max_length is None:
        length = min(length, most)
    if most is not None and length > most:
        raise ValueError(f"max_length must be at most {most}, received {max_length}.")
    columns["pair_column"] = pair_column_of(config, name, columns.get("pair_column"))
    settings = Settings(
        max_length=length,
        problem_type=config.problem_type,
        options={**before.get("options", {}), **(options or {})},
        **columns,
    )
    task = task_named(name)(settings)
    task.recall(config)
    return task


def _check_columns(columns: Mapping[str, Any]) -> None:
    known = [field.name for field in dataclasses.fields(Settings)]
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise ValueError(f"predictor has no arguments {unknown}; of files it knows {known}.")
