"""What a user wants of a model: how it is trained, judged and asked, a row for each task."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

_HERE = "keras_bert_zoo.tasks"
# Where each task lives; it is loaded when it is used. The keys are those of `models.TASKS`
# and `models.WRITERS`.
TASKS: dict[str, Any] = {
    "sequence_classification": f"{_HERE}.sequence_classification:SequenceClassification",
    "token_classification": f"{_HERE}.token_classification:TokenClassification",
    "question_answering": f"{_HERE}.question_answering:QuestionAnswering",
    "sentence_embedding": f"{_HERE}.sentence_embedding:SentenceEmbedding",
    "multiple_choice": f"{_HERE}.multiple_choice:MultipleChoice",
    "extractive_summarization": f"{_HERE}.extractive_summarization:ExtractiveSummarization",
    "next_sentence": f"{_HERE}.next_sentence:NextSentence",
    "masked_lm": f"{_HERE}.masked_lm:MaskedLM",
    "seq2seq": f"{_HERE}.seq2seq:Seq2Seq",
    "causal_lm": f"{_HERE}.causal_lm:CausalText",
}

# Modules that called `register`, with the file of each; a session has none.
OWN_MODULES: dict[str, str | None] = {}

# This learns from text alone: `keras-bert-zoo pretrain` trains it.
PRETRAINED = ("masked_lm",)


def task_named(name: str) -> Any:
    """The ``Task`` of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in TASKS:
        near = difflib.get_close_matches(str(name), TASKS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"task must be one of {sorted(TASKS)}, received {name!r}.{hint}")
    kind = TASKS[name]
    if not isinstance(kind, str):
        return kind
    module, _, attribute = kind.partition(":")
    return getattr(importlib.import_module(module), attribute)


def register(
    name: str,
    task: type,
    model: Callable[..., Any],
    head: Sequence[Any],
    *,
    published: str,
    architecture: str = "bert",
    labels: bool = True,
    pooler: bool = True,
) -> None:
    """Adds a task of your own; ``load``, ``save``, ``finetune``, ``predictor`` then know it.

    So do ``export`` and ``verify``, whose child processes run the module that calls this again:
    what a script does besides belongs below ``if __name__ == "__main__"``.
    ``examples/custom_task.py`` is one.

    Args:
        name: of the task.
        task: a subclass of ``tasks.task.Task``.
        model: what puts its head on an encoder: a subclass of ``models.task_model.TaskModel``
            whose ``task`` is ``name``.
        head: a ``checkpoints.tables.Row`` for each variable of the head.
        published: what ``architectures`` in ``config.json`` calls such a model.
        architecture: ``model_type`` of the encoders.
        labels: whether the model has classes with names.
        pooler: whether the model makes use of ``pooler_output``.

    Raises:
        ValueError: there is such a task already, or no such architecture.
    """
    from keras_bert_zoo import models
    from keras_bert_zoo.checkpoints import tables

    if name in models.TASKS:
        raise ValueError(f"There is a task {name!r} already. Choose another name.")
    table = tables.architecture(architecture)
    tables.ARCHITECTURES[architecture] = dataclasses.replace(
        table,
        heads={**table.heads, name: tuple(head)},
        published={**table.published, name: published},
        without_labels=(*table.without_labels, *([] if labels else [name])),
        pooled=(*table.pooled, *([name] if pooler else [])),
    )
    models.TASKS[name] = model
    TASKS[name] = task
    caller = sys._getframe(1).f_globals
    OWN_MODULES[caller["__name__"]] = caller.get("__file__")
