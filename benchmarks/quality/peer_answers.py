"""Questions with transformers: rows of long contexts, and answers of logits, as its examples do."""

from __future__ import annotations

from typing import Any

import numpy as np
from tasks import Row, Task


def _windows(task: Task, tokenizer: Any, row: Row) -> Any:
    return tokenizer(
        row["question"],
        row["context"],
        truncation="only_second",
        max_length=task.max_length,
        stride=task.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )


def _encoded(tokens: Any, window: int) -> dict[str, Any]:
    names = ("input_ids", "token_type_ids", "attention_mask")
    return {name: tokens[name][window] for name in names}


def _places(tokens: Any, window: int) -> list[tuple[int, int, int]]:
    """The tokens of the context: place in the row, first character, the one after the last."""
    offsets, texts = tokens["offset_mapping"][window], tokens.sequence_ids(window)
    return [(i, *offsets[i]) for i, text in enumerate(texts) if text == 1]


def encode_questions(task: Task, tokenizer: Any, rows: list[Row], _: Any) -> list[dict[str, Any]]:
    """A row for each window; its labels are those of ``[CLS]`` where the answer is elsewhere."""
    encoded = []
    for row in rows:
        tokens = _windows(task, tokenizer, row)
        for window in range(len(tokens["input_ids"])):
            features = _encoded(tokens, window)
            if "answers" in row:
                first, last = _label(row["answers"][0], _places(tokens, window))
                features |= {"start_positions": first, "end_positions": last}
            encoded.append(features)
    return encoded


def _label(answer: dict[str, Any], places: list[tuple[int, int, int]]) -> tuple[int, int]:
    start = answer["answer_start"]
    end = start + len(answer["text"])
    if start < places[0][1] or end > places[-1][2]:
        return 0, 0
    first = [place for place, begin, _ in places if begin <= start][-1]
    last = next(place for place, _, after in places if after >= end)
    return first, last


def answers_of(
    task: Task, tokenizer: Any, rows: list[Row], logits: tuple[np.ndarray, np.ndarray], _: Any
) -> list[str]:
    """The best answer to each question over all of its windows."""
    pairs = iter(zip(*logits, strict=True))
    found = []
    for row in rows:
        tokens = _windows(task, tokenizer, row)
        candidates = [
            each
            for window in range(len(tokens["input_ids"]))
            for each in _candidates(task, _places(tokens, window), *next(pairs))
        ]
        _, start, end = max(candidates, default=(0.0, 0, 0))
        found.append(row["context"][start:end])
    return found


def _candidates(
    task: Task, places: list[tuple[int, int, int]], starts: np.ndarray, ends: np.ndarray
) -> list[tuple[float, int, int]]:
    """Score and characters of the answers between the best first and last tokens."""
    characters = {place: (begin, after) for place, begin, after in places}
    best = [np.argsort(logits)[: -task.n_best - 1 : -1].tolist() for logits in (starts, ends)]
    return [
        (float(starts[first] + ends[last]), characters[first][0], characters[last][1])
        for first in best[0]
        for last in best[1]
        if first in characters and last in characters
        if first <= last < first + task.max_answer
    ]
