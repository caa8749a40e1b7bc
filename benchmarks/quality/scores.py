"""One scorer for both sides: labelled rows and what was predicted of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.stats
import seqeval.metrics
import sklearn.metrics

from keras_bert_zoo.evaluation import extracts, question_answering

Rows = Sequence[dict[str, Any]]
Scores = dict[str, float]


def _classes(rows: Rows, predicted: Sequence[str]) -> Scores:
    wanted = [row["label"] for row in rows]
    return {"accuracy": sklearn.metrics.accuracy_score(wanted, predicted)}


def _number(rows: Rows, predicted: Sequence[float]) -> Scores:
    wanted = [float(row["label"]) for row in rows]
    return {"spearman": scipy.stats.spearmanr(wanted, predicted).statistic}


def _tags(rows: Rows, predicted: Sequence[list[str]]) -> Scores:
    wanted = [row["tags"] for row in rows]
    return {"f1": seqeval.metrics.f1_score(wanted, predicted, zero_division=0)}


def _answers(rows: Rows, predicted: Sequence[str]) -> Scores:
    wanted = [[answer["text"] for answer in row["answers"]] for row in rows]
    # As SQuAD 1.1's script scores: there is always an answer, and no threshold.
    return question_answering.score(
        predicted, np.zeros(len(predicted)), wanted, with_impossible=False
    )


def _sentences(rows: Rows, predicted: Sequence[list[int]]) -> Scores:
    summaries = [
        "\n".join(row["sentences"][index] for index in chosen)
        for row, chosen in zip(rows, predicted, strict=True)
    ]
    return extracts.rouge(summaries, [row["summary"] for row in rows])


SCORES: dict[str, Callable[[Rows, Any], Scores]] = {
    "classes": _classes,
    "number": _number,
    "tags": _tags,
    "answers": _answers,
    "sentences": _sentences,
}
