"""Training examples in parts, each of which validates once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from keras_bert_zoo.data.columns import picked
from keras_bert_zoo.tasks.task import Task


def check_folds(task: Task[Any], examples: Any, count: int) -> None:
    """Refuses more folds than there are examples, examples of a class, or groups.

    Args:
        task: knows the examples.
        examples: all that there are to learn from.
        count: of the folds.

    Raises:
        ValueError: some folds would have none of them to validate with.
    """
    strata, groups = task.strata(examples), task.groups(examples)
    most, what = len(examples), "training examples"
    if groups is not None:
        most, what = len(set(groups)), "groups of training examples that stay together"
    elif strata is not None:
        rarest, most = min(Counter(map(str, strata)).items(), key=lambda each: each[1])
        what = f"training examples of {rarest!r}, the rarest class"
    if count > most:
        raise ValueError(
            f"{count} folds are more than the {most} {what}: each fold needs one to validate with. "
            "Take fewer folds, or more examples."
        )


def fold_of(task: Task[Any], examples: Any, fold: Sequence[int], seed: int) -> dict[str, Any]:
    """The examples of one fold, as ``"train"`` and ``"validation"``.

    Classes have equal shares in all folds and groups are in one, see ``Task.strata`` and
    ``Task.groups``; the rest is chance.

    Args:
        task: knows the examples.
        examples: all that there are to learn from.
        fold: ``(k, n)``: the k-th of n parts validates.
        seed: of the parts; that of the folds of one cross-validation must be the same.

    Raises:
        ValueError: see ``check_folds``.
    """
    (number, count), rows = fold, np.zeros(len(examples))
    check_folds(task, examples, count)
    strata, groups = task.strata(examples), task.groups(examples)
    shuffled = {"n_splits": count, "shuffle": True, "random_state": seed}
    if groups is not None:
        parts = GroupKFold(count).split(rows, groups=groups)
    elif strata is not None:
        parts = StratifiedKFold(**shuffled).split(rows, [str(each) for each in strata])
    else:
        parts = KFold(**shuffled).split(rows)
    train, validation = list(parts)[number - 1]
    return {"train": picked(examples, train), "validation": picked(examples, validation)}
