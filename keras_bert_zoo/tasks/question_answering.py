"""Where in a text the answer to a question stands."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import reprlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from keras_bert_zoo.data.question_windows import question_windows, token_places
from keras_bert_zoo.data.records import place_of
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.spelling import spelling_hint
from keras_bert_zoo.data.squad import READERS, Answer, Question, QuestionFile
from keras_bert_zoo.data.windows import Windows
from keras_bert_zoo.evaluation.question_answering import each_given, middle_threshold, score
from keras_bert_zoo.evaluation.spans import Spans, best_spans
from keras_bert_zoo.tasks.asking import TWO_TEXTS
from keras_bert_zoo.tasks.question_options import QuestionOptions
from keras_bert_zoo.tasks.task import Labels, Outputs, Task, mean_tally

# Also what pairs of texts are called elsewhere.
_COLUMNS = (("question", "context"), ("text", "text_pair"))
# What tables have and these files have not.
_OF_TABLES = ("text_column", "pair_column", "label_column", "delimiter", "problem_type")
_NONE = Answer("", -1)
_log = logging.getLogger(__name__)

Questions = tuple[Question, ...]


class QuestionAnswering(Task[Questions]):
    """Devlin et al. 2018, sections 4.2 and 4.3; the model is a ``QuestionAnswerer``."""

    Options = QuestionOptions
    sequences = ("start_logits", "end_logits")
    readers = READERS
    without: ClassVar = dict.fromkeys(
        _OF_TABLES, "the keys of its files are fixed (id, question, context, answers)"
    )

    def monitored(self, labels: Labels) -> str:
        """F1 of the words of the answers."""
        return "f1"

    def groups(self, examples: Questions) -> Sequence[str]:
        """The contexts: the answer to one question tells of those to others."""
        return [each.context for each in examples]

    def read(self, source: str) -> Questions:
        """Reads SQuAD's JSON or JSON lines, see ``data.squad``."""
        settings = self.settings
        file = QuestionFile(
            misplaced=self.options.misplaced,
            empty_texts=settings.empty_texts,
            encoding=settings.encoding,
        )
        return file.read(source)

    def learning_from(self, examples: Questions) -> QuestionAnswering:
        """A task that knows of questions without an answer, where the examples have such."""
        if not self._with_impossible(examples):
            return self
        return self._with(impossible=True)

    def tuned(
        self, examples: Questions, rows: Rows, outputs: Outputs, labels: Labels
    ) -> QuestionAnswering:
        """A task with a ``null_threshold`` of the best F1, unless the recipe states one.

        Questions of one kind alone would say: never an answer, or always.
        """
        kinds = {each.impossible for each in examples}
        stated = "null_threshold" in self.settings.options
        if stated or not self.options.impossible or len(kinds) < 2:
            return self
        return self._with(null_threshold=middle_threshold(*self._said(examples, rows, outputs)))

    def _with(self, **options: Any) -> QuestionAnswering:
        options = {**self.settings.options, **options}
        return QuestionAnswering(dataclasses.replace(self.settings, options=options))

    def asked(self, questions: Sequence[Any]) -> Questions:
        """Dicts with ``question`` and ``context``, or pairs of both in this order.

        Raises:
            ValueError: something else; the message names the number of the question.
        """
        if isinstance(questions, str | dict):
            raise ValueError("Pass a list of questions, received one.")
        return tuple(_asked(question, index) for index, question in enumerate(questions))

    def rows(self, examples: Questions, tokenizer: Any, labels: Labels) -> Rows:
        """A row for each part of a context, with the places of the first known answer.

        Where nothing is asked there is no context to look for it.
        """
        windows = question_windows(
            [each.question for each in examples],
            [each.context if each.question.strip() else "" for each in examples],
            tokenizer,
            max_length=self.settings.max_length,
            stride=self.options.stride,
            max_question_length=self.options.max_question_length,
        )
        known = all(each.answers is not None for each in examples)
        if not known:
            return Rows(windows.encoded, memory=windows)
        places = _places(examples, windows)
        return Rows(
            windows.encoded,
            dict(zip(self.sequences, places.T, strict=True)),
            memory=windows,
            # Short ones are mostly the end of a context, without the answer.
            kinds=places[:, 0] > 0,
        )

    def score(
        self, examples: Questions, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """See ``evaluation.question_answering.score``."""
        return self._judged(score, examples, rows, outputs)

    def tally(
        self, examples: Questions, rows: Rows, outputs: Outputs, labels: Labels
    ) -> np.ndarray:
        """Of the mean F1."""
        return mean_tally(self._judged(each_given, examples, rows, outputs)[:, 1])

    def _judged(
        self, judge: Callable[..., Any], examples: Questions, rows: Rows, outputs: Outputs
    ) -> Any:
        """What one of ``evaluation.question_answering`` says of the best answers."""
        return judge(
            *self._said(examples, rows, outputs),
            with_impossible=self._with_impossible(examples),
            null_threshold=self.options.null_threshold,
        )

    def _said(
        self, examples: Questions, rows: Rows, outputs: Outputs
    ) -> tuple[list[str], np.ndarray, list[list[str]]]:
        """The best answers, the score of none less theirs ``(N,)``, and the right answers."""
        spans = self._spans(examples, rows, outputs)
        best = [
            each.context[spans.starts[first] : spans.ends[first]] if first < after else ""
            for each, first, after in zip(examples, *spans.bounds, strict=True)
        ]
        golds = [[answer.text for answer in each.answers or ()] for each in examples]
        return best, spans.null_margins, golds

    def answers(
        self, examples: Questions, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """The best answer with its characters and probability, and the next best ones.

        ``score`` is the softmax over the answers that are kept, and over none, at 0 to 0, where
        there may be none. ``null_margin`` is what ``null_threshold`` is compared with; it is
        ``None`` where a context holds nothing to answer with, or the question is empty.
        """
        spans = self._spans(examples, rows, outputs)
        silent = spans.null_margins > self.options.null_threshold
        nulls: list[tuple[float, ...]] = [()] * len(examples)
        if self._with_impossible(examples):
            nulls = [(score,) for score in spans.null_scores.tolist()]
        else:
            silent[:] = False
        parts = [slice(*bounds) for bounds in zip(*spans.bounds, strict=True)]
        return [
            {
                **_answer(each.context, _candidates(spans, part, null), is_silent),
                "null_margin": round(margin, 6) if math.isfinite(margin) else None,
            }
            for each, part, null, is_silent, margin in zip(
                examples, parts, nulls, silent, spans.null_margins.tolist(), strict=True
            )
        ]

    def decision(self, answer: Any) -> Any:
        """The best answer and its place: the order of the next best ones is no decision."""
        return {name: answer[name] for name in ("answer", "start", "end")}

    def _spans(self, examples: Questions, rows: Rows, outputs: Outputs) -> Spans:
        start_logits, end_logits = (outputs[name] for name in self.sequences)
        return best_spans(
            rows.memory,
            (start_logits, end_logits),
            questions=len(examples),
            n_best=self.options.n_best,
            max_answer_length=self.options.max_answer_length,
        )

    def _with_impossible(self, examples: Questions) -> bool:
        if self.options.impossible is not None:
            return bool(self.options.impossible)
        return any(each.impossible for each in examples)


def _asked(question: Any, index: int) -> Question:
    hint, parts = "", question
    if isinstance(question, dict):
        names = next((each for each in _COLUMNS if question.keys() >= set(each)), ())
        parts = [question[name] for name in names]
        hint = "" if names else spelling_hint(question, itertools.chain(*_COLUMNS))
    parts = parts if isinstance(parts, list | tuple) else ()
    if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
        raise ValueError(
            f"{place_of(question, index)} must be a dict with {_COLUMNS[0]} or a pair of both, "
            f"received {reprlib.repr(question)}.{hint} {TWO_TEXTS}"
        )
    return Question(str(index), *parts)


def _places(examples: Questions, windows: Windows) -> np.ndarray:
    """First and last token of the first answer in each row, int32 ``(W, 2)``."""
    # White space around an answer has no tokens.
    golds = [
        (answer.end - len(answer.text.lstrip()), answer.start + len(answer.text.rstrip()))
        for answer in (each.answers[0] if each.answers else _NONE for each in examples)
    ]
    places = token_places(windows, *np.array(golds, int).reshape(-1, 2).T)
    whole = np.bincount(windows.owners, places[:, 0] > 0, minlength=len(examples))
    cut = sum(bool(each.answers) and not rows for each, rows in zip(examples, whole, strict=True))
    if cut:
        _log.warning("%d of %d answers are in no row as a whole", cut, len(examples))
    return places


def _candidates(spans: Spans, part: slice, null: Sequence[float]) -> list[tuple[int, int, float]]:
    """Characters and probability of each answer, likely ones first."""
    scores = np.concatenate([spans.scores[part], null])
    places = [*zip(spans.starts[part].tolist(), spans.ends[part].tolist(), strict=True)]
    places += [(0, 0)] * len(null)
    chances = np.exp(scores - scores.max(initial=-np.inf))
    chances = (chances / chances.sum()).tolist()
    found = [(*place, chance) for place, chance in zip(places, chances, strict=True)]
    return sorted(found, key=lambda each: -each[2])


def _answer(
    context: str, candidates: list[tuple[int, int, float]], is_silent: bool
) -> dict[str, Any]:
    n_best = [
        {"answer": context[start:end], "start": start, "end": end, "score": round(chance, 6)}
        for start, end, chance in candidates
    ]
    nothing = {"answer": "", "start": 0, "end": 0, "score": 0.0}
    chosen = (each for each in n_best if (each["end"] == 0) == is_silent)
    return {**next(chosen, nothing), "n_best": n_best}
