"""Which of several texts goes best with a first one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.choices import ChoiceRows, ChoiceTable
from keras_bert_zoo.data.rows import Rows, encode
from keras_bert_zoo.evaluation.classification import probabilities
from keras_bert_zoo.rules import TEXT, check_options, or_none
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task, mean_tally, right_choices

_KIND = "single_label_classification"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChoiceOptions:
    """Options of multiple choice.

    Args:
        choices: column of the choices, or what the names of their columns begin with; by
            default found by ``data.choice_columns.LAYOUTS``.

    Raises:
        ValueError: it is no text.
    """

    choices: str | None = None

    def __post_init__(self) -> None:
        """Refuses what names no column."""
        check_options(self, {"choices": or_none(TEXT)})


class MultipleChoice(Task[ChoiceRows]):
    """Devlin et al. 2018, section 4.4; the model is a ``models.MultipleChoice``."""

    Options = ChoiceOptions

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.table = ChoiceTable(
            text=settings.text_column,
            question=settings.pair_column,
            choices=self.options.choices,
            label=settings.label_column,
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )

    def read(self, source: str) -> ChoiceRows:
        """Reads a table of choices, see ``data.choices``."""
        return self.table.read(source)

    def asked(self, questions: Sequence[Any]) -> ChoiceRows:
        """Dicts with the columns of a file, or pairs of a text and its choices."""
        return self.table.asked([_columns(each, index) for index, each in enumerate(questions)])

    def rows(self, examples: ChoiceRows, tokenizer: Any, labels: Labels) -> Rows:
        """A row of C pairs for each example; one without tokens stands for a choice it has not."""
        found = encode(examples.examples(), tokenizer, self.settings.max_length)
        exists = examples.exists.ravel()
        lengths = np.zeros(exists.size, found.lengths.dtype)
        lengths[exists] = found.lengths
        encoded = dataclasses.replace(found, lengths=lengths)
        return Rows(encoded, examples.encoded_labels(), members=examples.members)

    def score(
        self, examples: ChoiceRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """How often the right choice has the largest number."""
        return {"accuracy": float(right_choices(rows, outputs).mean())}

    def tally(
        self, examples: ChoiceRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> np.ndarray:
        """Of the accuracy."""
        return mean_tally(right_choices(rows, outputs))

    def answers(
        self, examples: ChoiceRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``choice``, its index; ``chosen``, its text; ``scores`` of all in their order."""
        chances = probabilities(_KIND, outputs["logits"])
        return [
            {
                "choice": int(row.argmax()),
                "chosen": choices[row.argmax()],
                "scores": [round(chance, 6) for chance in row[: len(choices)].tolist()],
            }
            for choices, row in zip(examples.choices, chances, strict=True)
        ]


def _columns(question: Any, index: int) -> dict[str, Any]:
    if isinstance(question, dict):
        return question
    if isinstance(question, tuple | list) and len(question) == 2:
        return {"text": question[0], "choices": question[1]}
    raise ValueError(
        f"question {index} must be a dict with a text and choices, or a pair of a text and a list "
        f"of choices, received {question!r}."
    )
