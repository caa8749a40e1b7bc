"""What a user wants of a model: how it is trained, judged and asked, a row for each task."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

_HERE = "keras_bert_zoo.tasks"
# Where each task lives; it is loaded when it is used. The keys are those of `models.TASKS`.
TASKS: dict[str, str] = {
    "question_answering": f"{_HERE}.question_answering:QuestionAnswering",
    "sequence_classification": f"{_HERE}.sequence_classification:SequenceClassification",
    "sentence_embedding": f"{_HERE}.sentence_embedding:SentenceEmbedding",
    "token_classification": f"{_HERE}.token_classification:TokenClassification",
    "multiple_choice": f"{_HERE}.multiple_choice:MultipleChoice",
    "next_sentence": f"{_HERE}.next_sentence:NextSentence",
    "masked_lm": f"{_HERE}.masked_lm:MaskedLM",
}

# These learn from text alone: `keras-bert-zoo pretrain` trains them.
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
    module, _, kind = TASKS[name].partition(":")
    return getattr(importlib.import_module(module), kind)
