"""The texts of a warm-up, by the names under which signatures take them. TensorFlow only."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.data.examples import Examples

from ..artifact import Artifact
from ..asking import longest_row, task_for, tokenizer_of
from ..errors import ExportError
from ..formats import WRITERS
from ..verification.asked import Given, kind_of
from .task_signatures import SIGNATURES

Columns = dict[str, list[Any]]


def columns_of(artifact: Artifact, given: Given, settings: Mapping[str, Any]) -> Columns:
    """Reads what is given as a predictor of the artifact would, without answers.

    Args:
        artifact: that is to be served.
        given: texts, a file that the task reads, or a list of questions.
        settings: of ``tasks.task.Settings``, and ``limit``; for what a task reads.

    Raises:
        ExportError: a task of your own, or none, is given anything but ``Examples``; or there are
            no texts.
        ValueError: the file holds something else.
    """
    columns = _columns(artifact, given, settings)
    if not all(columns.values()):
        raise ExportError("examples holds no texts to warm up with.")
    return columns


def _columns(artifact: Artifact, given: Given, settings: Mapping[str, Any]) -> Columns:
    kinds = SIGNATURES.get(str(artifact.task), ())
    if isinstance(given, Examples):
        first, second = list(given.texts), given.text_pairs
        if not kinds:
            return {"text": first, **({} if second is None else {"text_pair": list(second)})}
        given = first if second is None else list(zip(first, second, strict=True))
    if not kinds and artifact.task not in WRITERS:
        raise ExportError(
            f"{artifact.path} is {kind_of(artifact.task)}: pass its texts as "
            "data.examples.Examples."
        )
    named = dict(settings)
    limit = named.pop("limit", None)
    task = task_for(artifact, tokenizer_of(artifact), most=longest_row(artifact), **named)
    questions = task.questions(given) if isinstance(given, str) else given or ()
    asked: Any = task.asked(list(itertools.islice(questions, limit)))
    if not kinds:
        return {"text": list(asked.texts)}
    return {name: column for kind in kinds for name, column in kind.given(asked).items()}
