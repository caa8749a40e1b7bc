"""What a kind of model is trained on, judged by and asked."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.data.records import Located, Reader, records
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.spelling import spelling_hint
from keras_bert_zoo.evaluation.prediction import Runner, keras_runner, silent_runner

# Where `config.json` keeps how a model that was fine-tuned is to be asked: `max_length` and
# `options`, by task.
REMEMBERED = "task_specific_params"
# Examples: what `read` returns, with a length and slices.
E = TypeVar("E", bound=Any)
Outputs = Mapping[str, np.ndarray]
Labels = tuple[str, ...]


def remembered(config: Any, name: str | None) -> dict[str, Any]:
    """How a model was fine-tuned for a task: ``max_length`` and ``options``, where it was."""
    return (config.extra.get(REMEMBERED) or {}).get(name) or {}


def remembering(config: Any, name: str, **asked: Any) -> Any:
    """A config that remembers besides how a model is asked for a task."""
    tasks = config.extra.get(REMEMBERED) or {}
    known = {**tasks, name: {**remembered(config, name), **asked}}
    return config.replace(extra={**config.extra, REMEMBERED: known})


def pair_column_of(config: Any, name: str, chosen: str | None) -> str | None:
    """The column of second texts: that which was chosen, or of what has learned pairs its name.

    Without it the second texts of a file would be left out.
    """
    return chosen or ("text_pair" if remembered(config, name).get("pairs") else None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Where a task finds what it reads, and how long its rows are.

    Args:
        max_length: tokens of the longest row.
        problem_type: of sequence classification, one of ``config.PROBLEM_TYPES``.
        text_column: column of the text; the task's own by default.
        pair_column: column of the second text.
        label_column: column of the label; the task's own by default.
        delimiter: of columns, see ``data.records``.
        encoding: of the files.
        empty_texts: ``"error"``, ``"drop"`` or ``"keep"`` rows without text.
        options: what only this task has, see its ``Options``.
    """

    max_length: int
    problem_type: str | None = None
    text_column: str | None = None
    pair_column: str | None = None
    label_column: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    empty_texts: str = "error"
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoOptions:
    """A task without options of its own."""


class Task(abc.ABC, Generic[E]):
    """One kind of question to a model: a row of ``tasks.TASKS``.

    Examples are what ``read`` and ``asked`` return, with a length and slices; ``outputs``
    are those of ``evaluation.prediction.outputs_of``.

    Args:
        settings: how to read and tokenise.

    Raises:
        ValueError: ``settings.options`` has names that this task does not know, or settings name
            what its files have not.
    """

    Options: ClassVar[type] = NoOptions
    # Outputs of the model with an answer for each token.
    sequences: ClassVar[tuple[str, ...]] = ()
    # Rows of which the answers are asked together in training.
    rows_at_once: ClassVar[int] = 64
    problem_type: str | None = None
    # Settings that mean nothing to it, and why.
    without: ClassVar[Mapping[str, str]] = MappingProxyType({})
    # Whether its texts may be pairs; then a model remembers that they were.
    remembers_pairs: ClassVar[bool] = False
    # Formats in which questions come besides those of `data.records`, by suffix.
    readers: Mapping[str, Reader] = MappingProxyType({})

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        unused = [name for name in self.without if getattr(settings, name) is not None]
        if unused:
            reasons = "; ".join(dict.fromkeys(self.without[name] for name in unused))
            raise ValueError(f"This task has no use for {unused}: {reasons}. Leave them out.")
        known = [field.name for field in dataclasses.fields(self.Options)]
        unknown = sorted(set(settings.options) - set(known))
        if unknown:
            hint = spelling_hint(settings.options, known)
            raise ValueError(f"options of this task are {known}, received {unknown}.{hint}")
        try:
            self.options: Any = self.Options(**settings.options)
        except TypeError as error:
            raise ValueError(f"options {dict(settings.options)} do not fit: {error}.") from error

    @abc.abstractmethod
    def read(self, source: str) -> E:
        """Reads labelled examples from a file.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds something else; the message names file and line.
        """

    def questions(self, source: str) -> Iterator[Located]:
        """Reads what is asked from a file: the columns of ``read``, with or without labels.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it cannot be read; the message names file and line.
        """
        settings = self.settings
        found = records(
            source,
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            readers=self.readers,
        )
        return (Located(*record) for record in found)

    @property
    def columns(self) -> tuple[str, str]:
        """Columns of a text and of a second one."""
        return self.settings.text_column or "text", self.settings.pair_column or "text_pair"

    @abc.abstractmethod
    def asked(self, questions: Sequence[Any]) -> E:
        """Makes examples without labels of what a user passes: texts, pairs or dicts."""

    def label_names(self, examples: E) -> Labels | None:
        """The classes that occur, in order; ``None`` for a task without."""
        return None

    def monitored(self, labels: Labels) -> str:
        """The score that decides about the best epoch, by default."""
        return "accuracy"

    def learning_from(self, examples: E) -> Task[E]:
        """The task with the options that training examples decide; a bundle remembers them."""
        return self

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""
        return self.settings.max_length

    def tuned(self, examples: E, rows: Rows, outputs: Outputs, labels: Labels) -> Task[E]:
        """The task with the options that answers to validation examples decide.

        By default itself. A bundle remembers them; what a recipe states is left as it is.
        """
        return self

    def recall(self, config: EncoderConfig) -> None:
        """Takes from a model's config what it says of answers; by default nothing."""

    def prepared(self, model: Any, learned: Rows | None = None) -> Any:
        """The model that rows are for: by default that which was loaded.

        Args:
            model: what was loaded.
            learned: the rows of the training; ``None`` for a model that is only asked.
        """
        return model

    def kept(self, model: Any) -> Any:
        """What is saved of a prepared model."""
        return model

    def runner(self, model: Any, *, learning: bool = False) -> Runner:
        """What answers rows: by default the outputs of the prepared model.

        Args:
            model: it.
            learning: whether the outputs are wanted, too, that the loss is made of.
        """
        return keras_runner(model)

    def silent(self, model: Any) -> Runner:
        """The same of a model that says nothing, which takes no time."""
        return silent_runner(model)

    def strata(self, examples: E) -> Sequence[Any] | None:
        """What folds have in equal shares, a value for each example; by default nothing."""
        return None

    def groups(self, examples: E) -> Sequence[Any] | None:
        """What no two folds share, a value for each example; by default nothing."""
        return None

    def averaged(self, members: Sequence[Outputs]) -> Outputs | None:
        """The outputs of an ensemble; ``None`` where averages mean nothing.

        Args:
            members: the outputs of each model for the same rows.
        """
        return None

    @abc.abstractmethod
    def rows(self, examples: E, tokenizer: Any, labels: Labels) -> Rows:
        """Tokenises examples, with labels where they have some."""

    @abc.abstractmethod
    def score(self, examples: E, rows: Rows, outputs: Outputs, labels: Labels) -> dict[str, float]:
        """Scores answers to labelled examples, as the field does."""

    def tally(self, examples: E, rows: Rows, outputs: Outputs, labels: Labels) -> np.ndarray | None:
        """What the monitored score is made of, for its confidence interval.

        Returns:
            A numerator and a denominator for each example, float64 ``(N, 2)``: the ratio of their
            sums is the score. ``None``, the default, of a score that is no such ratio.
        """
        return None

    def decision(self, answer: Any) -> Any:
        """What of an answer must be the same for two models to agree: all but its scores."""
        if isinstance(answer, Mapping):
            return {name: self.decision(value) for name, value in answer.items()}
        if isinstance(answer, list):
            return [self.decision(value) for value in answer]
        return None if isinstance(answer, float) else answer

    @abc.abstractmethod
    def answers(
        self, examples: E, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """What a user wants to know, one JSON object for each example."""


def mean_tally(values: np.ndarray) -> np.ndarray:
    """``Task.tally`` of a score that is the mean of values ``(N,)``."""
    return np.stack([values, np.ones(len(values))], axis=1)


def right_choices(rows: Rows, outputs: Outputs) -> np.ndarray:
    """Whether the largest logit is that of the label, bool ``(N,)``."""
    return outputs["logits"].argmax(axis=-1) == rows.labels["logits"]
