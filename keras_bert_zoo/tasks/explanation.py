"""Which parts of a text speak for a model's answer.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.evaluation.attribution import Place, gradient_times_input
from keras_bert_zoo.evaluation.highlights import Span, highlighted
from keras_bert_zoo.evaluation.page import heading, page, paragraph
from keras_bert_zoo.tasks.predictor import Predictor

Outputs = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """One answer, and what speaks for it.

    Args:
        answer: for people.
        texts: the text, or the two of a pair.
        spans: for each text its tokens: first character, the one after the last, and the
            gradient times input.
    """

    answer: str
    texts: tuple[str, ...]
    spans: tuple[list[Span], ...]


@dataclasses.dataclass(frozen=True)
class _Target:
    """What is explained: numbers that the model gives for a row, whose tokens are characters.

    Args:
        sequences: which text each token is of, see ``data.windows.Windows``.
    """

    answer: str
    texts: tuple[str, ...]
    row: int
    offsets: np.ndarray
    sequences: np.ndarray
    places: Sequence[Place]


def explain(ask: Predictor, questions: Sequence[Any]) -> list[Explanation]:
    """Answers questions and explains the answers, by gradient times input.

    Args:
        ask: what ``keras_bert_zoo.predictor`` returns, for classes or a number (the likeliest
            class is explained), tags (each that is not ``O``, by its first word) or answers in
            texts (the sum of both logits).
        questions: as for the predictor.

    Returns:
        One for each answer, several for a text with several entities; see
        ``evaluation.attribution`` for the numbers.

    Raises:
        ValueError: the task has no explanations, or the model is none of Keras'.
    """
    kind = getattr(ask.model, "task", None)
    if kind not in _TARGETS:
        raise ValueError(
            f"explain needs the gradients of a Keras model for one of {list(_TARGETS)}, received "
            f"{kind or 'the predictor of an artifact: pass that of its bundle'}."
        )
    examples = ask.task.asked(questions)
    rows, outputs = ask.outputs(examples)
    return [_explained(ask, rows, each) for each in _TARGETS[kind](ask, examples, rows, outputs)]


def explanation_page(explanations: Sequence[Explanation]) -> str:
    """The explanations as a page of HTML that needs nothing else."""
    parts = [paragraph("Blue speaks for the answer, red against it: gradient × input.")]
    for each in explanations:
        parts.append(heading(each.answer))
        largest = max((abs(s[2]) for spans in each.spans for s in spans), default=0.0)
        parts += [
            highlighted(text, spans, largest)
            for text, spans in zip(each.texts, each.spans, strict=True)
        ]
    return page("What speaks for the answers", parts)


def _explained(ask: Predictor, rows: Rows, target: _Target) -> Explanation:
    inputs = rows.inputs(np.array([target.row]), int(rows.encoded.lengths[target.row]))
    scores = gradient_times_input(ask.model, inputs, target.places)
    spans: tuple[list[Span], ...] = tuple([] for _ in target.texts)
    tokens = zip(target.sequences, target.offsets, scores, strict=True)
    for sequence, (start, end), score in tokens:
        if end > start:  # special tokens have no characters
            _add(spans[sequence], (int(start), int(end), float(score)))
    return Explanation(target.answer, target.texts, spans)


def _add(spans: list[Span], span: Span) -> None:
    """Adds the next one; pieces of one character, as of a Korean syllable, count together."""
    start, end, score = span
    if spans and start < spans[-1][1]:
        start, before, others = spans.pop()
        end, score = max(end, before), score + others
    spans.append((start, end, score))


def _of_row(rows: Rows, row: int) -> slice:
    """Its tokens among those of all rows."""
    start = int(rows.encoded.lengths[:row].sum())
    return slice(start, start + int(rows.encoded.lengths[row]))


def _classes(ask: Predictor, examples: Any, rows: Rows, outputs: Outputs) -> Iterator[_Target]:
    pairs = examples.text_pairs
    found = ask.tokenizer(
        examples.texts,
        pairs,
        truncation=True,
        max_length=ask.task.settings.max_length,
        return_offsets_mapping=True,
        return_sequence_ids=True,
    )
    offsets, sequences = (
        found[name].flat_values.numpy() for name in ("offset_mapping", "sequence_ids")
    )
    for row, logits in enumerate(outputs["logits"]):
        best = int(logits.argmax())
        texts = (examples.texts[row], *([pairs[row]] if pairs else []))
        place, part = ("logits", (best,)), _of_row(rows, row)
        yield _Target(ask.labels[best], texts, row, offsets[part], sequences[part], [place])


def _tags(ask: Predictor, examples: Any, rows: Rows, outputs: Outputs) -> Iterator[_Target]:
    windows, tokens = rows.memory.windows, rows.memory.tokens
    speakers = tokens.first[tokens.first >= 0]
    owners, starts = windows.token_owners[speakers], windows.offsets[speakers, 0]
    row_of = np.repeat(np.arange(len(windows.encoded)), windows.encoded.lengths)
    answers = ask.task.answers(examples, rows, outputs, ask.labels)
    for index, (example, answer) in enumerate(zip(examples, answers, strict=True)):
        for unit in answer.get("entities") or answer.get("tags") or ():
            inside = (owners == index) & (starts >= unit["start"]) & (starts < unit["end"])
            if unit["label"] == "O" or not inside.any():
                continue
            token = int(speakers[inside][0])
            row = int(row_of[token])
            part = _of_row(rows, row)
            place = (token - part.start, int(outputs["logits"][token].argmax()))
            answered = f"{unit['text']}: {unit['label']}"
            characters = windows.offsets[part], windows.sequences[part]
            yield _Target(answered, (example.text,), row, *characters, [("logits", place)])


def _spans(ask: Predictor, examples: Any, rows: Rows, outputs: Outputs) -> Iterator[_Target]:
    windows = rows.memory
    answers = ask.task.answers(examples, rows, outputs, ask.labels)
    for index, (example, answer) in enumerate(zip(examples, answers, strict=True)):
        candidates = [
            (score, row, first, last)
            for row in np.flatnonzero(windows.owners == index).tolist()
            for score, first, last in _pairs(_of_row(rows, row), windows.offsets, answer, outputs)
        ]
        # No answer has the score of the row that is least sure of it.
        _, row, first, last = (max if answer["end"] else min)(candidates)
        part = _of_row(rows, row)
        offsets = windows.offsets[part] + _offsets_of_question(ask, example.question, part)
        places = [("start_logits", (first,)), ("end_logits", (last,))]
        texts = (example.question, example.context)
        found = answer["answer"] or "no answer"
        yield _Target(found, texts, row, offsets, windows.sequences[part], places)


def _pairs(
    part: slice, offsets: np.ndarray, answer: Mapping[str, Any], outputs: Outputs
) -> Iterator[tuple[float, int, int]]:
    """Score, first and last token of an answer in a row; of none, ``[CLS]``."""
    begins, stops = offsets[part].T
    firsts, lasts = np.array([0]), np.array([0])
    if answer["end"]:
        firsts = np.flatnonzero((begins == answer["start"]) & (stops > 0))
        lasts = np.flatnonzero(stops == answer["end"])
    start, end = (outputs[name][part] for name in ("start_logits", "end_logits"))
    return (
        (float(start[first] + end[last]), int(first), int(last))
        for first in firsts
        for last in lasts
        if first <= last
    )


def _offsets_of_question(ask: Predictor, question: str, part: slice) -> np.ndarray:
    """Characters of a question's tokens at their places in its rows; 0 elsewhere."""
    # As it is cut for its rows, which begin with the same tokens; [SEP] has no characters.
    found = ask.tokenizer(
        [question],
        truncation=True,
        max_length=ask.task.options.max_question_length + ask.tokenizer.num_special_tokens(),
        return_offsets_mapping=True,
    )["offset_mapping"].flat_values.numpy()
    offsets = np.zeros((part.stop - part.start, 2), found.dtype)
    offsets[: len(found)] = found
    return offsets


_TARGETS: dict[str, Callable[[Predictor, Any, Rows, Outputs], Iterator[_Target]]] = {
    "sequence_classification": _classes,
    "token_classification": _tags,
    "question_answering": _spans,
}
