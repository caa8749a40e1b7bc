"""What a verification asks, read before there is a model."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_bert_zoo import zoo
from keras_bert_zoo.checkpoints import purpose, sources
from keras_bert_zoo.data.examples import Examples

from ..errors import ExportError
from ..formats import WHOLE_TEXTS

if TYPE_CHECKING:
    from keras_bert_zoo.tasks.task import Task

    from ..artifact import Artifact

# What users pass: texts of one answer each, a file that the task reads, or questions.
Given = Examples | str | Sequence[Any] | None


class Asked(NamedTuple):
    """Examples of a task whose answer is no class and no embedding.

    Attributes:
        task: which has read them.
        examples: of that task.
        labelled: whether they have the right answers.
    """

    task: Task[Any]
    examples: Any
    labelled: bool


def read_asked(
    given: Given, artifacts: Sequence[Artifact], columns: Mapping[str, Any]
) -> Examples | Asked:
    """Reads what is given as a predictor of the first artifact would.

    Args:
        given: of ``verify``.
        artifacts: those that are to be compared; all answer the same rows.
        columns: of ``Settings``, and ``limit``; for examples that a task reads.

    Raises:
        ExportError: it is not what the task of the artifacts takes.
        ValueError: the file holds something else; see ``read`` of the task.
    """
    first = artifacts[0]
    if given is None:
        raise ExportError(
            f"{first.path} is {kind_of(first.task)}: pass examples of what it is for (--data)."
        )
    if isinstance(given, Examples):
        if first.task not in WHOLE_TEXTS:
            raise ExportError(
                f"{first.path} is {kind_of(first.task)}: pass a file that the task reads, or a "
                "list of questions, instead of Examples."
            )
        if columns:
            raise TypeError(f"verify has no arguments {sorted(columns)} beside Examples.")
        return given
    if first.task in WHOLE_TEXTS:
        raise ExportError(
            f"{first.path} is {kind_of(first.task)}: pass its texts as data.examples.Examples."
        )
    from ..asking import longest_row, task_for, tokenizer_of

    settings = dict(columns)
    limit = settings.pop("limit", None)
    # One length for all, so that all answer the same rows.
    most = min((size for each in artifacts if (size := longest_row(each))), default=None)
    task = task_for(first, tokenizer_of(first), most=most, **settings)
    examples = task.read(given) if isinstance(given, str) else task.asked(given)
    return Asked(task, examples[:limit], isinstance(given, str))


def kind_of(task: str | None) -> str:
    """What a model of a task is called in messages."""
    return "an encoder" if task is None else f"a model for {task!r}"


def check_source(source: str | pathlib.Path, artifacts: Sequence[Artifact]) -> None:
    """Refuses artifacts of another task than a bundle says it is for, its weights unread.

    Raises:
        ExportError: as ``check_kind``; of tasks that are loaded on request nothing is known yet.
        FileNotFoundError, ValueError: there is no such bundle.
    """
    named = purpose.on_request()
    own = purpose.trained_for(sources.resolve(zoo.resolve(source)))
    check_kind(None if own in named else own, [a for a in artifacts if a.task not in named])


def check_kind(task: str | None, artifacts: Sequence[Artifact]) -> None:
    """Refuses artifacts of another task than the bundle's."""
    others = [artifact for artifact in artifacts if artifact.task != task]
    if others:
        raise ExportError(
            f"{others[0].path} is not of this bundle, which is {kind_of(task)}: it is "
            f"{kind_of(others[0].task)}. Pass the bundle that it was exported from."
        )
