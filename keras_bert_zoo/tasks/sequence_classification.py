"""One class, several labels or a number for a text or a pair of texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.labels import label_names
from keras_bert_zoo.data.rows import Rows, labelled_rows
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.classification import mean_logits, probabilities, score
from keras_bert_zoo.rules import POSITIVE, check_options
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.loss_options import LOSS_RULES, LossOptions
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassOptions(LossOptions):
    """Options of classes: those of the loss, and how sure the answers are.

    Args:
        temperature: what logits are divided by before they become probabilities; see
            ``evaluation.calibration``.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, {**LOSS_RULES, "temperature": POSITIVE})


class SequenceClassification(Task[TextRows]):
    """Devlin et al. 2018, section 4.1; the model is a ``SequenceClassifier``.

    Raises:
        ValueError: a regression has options, which are all of classes.
    """

    Options = ClassOptions
    remembers_pairs = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.problem_type: str = settings.problem_type or "single_label_classification"
        if self.problem_type == "regression" and self.options != ClassOptions():
            raise ValueError(
                f"options {dict(settings.options)} are of classes, and a regression has none. "
                "Leave them out."
            )

    def read(self, source: str) -> TextRows:
        """Reads a table of texts, see ``data.text_files``."""
        settings = self.settings
        table = TextTable(
            text=settings.text_column or "text",
            text_pair=settings.pair_column,
            label=settings.label_column or "label",
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )
        return table.read(source)

    def asked(self, questions: Sequence[Any]) -> TextRows:
        """Texts, pairs of texts, or dicts with the columns ``text`` and ``text_pair``."""
        first, second = texts_of(questions, self.columns)
        if self.settings.pair_column and second is None:
            raise ValueError(
                "The model has learned pairs of texts, received single ones. Pass pairs; on the "
                "command line --pairs, with a tab between the two texts."
            )
        return TextRows([], first, second, None)

    def label_names(self, examples: TextRows) -> Labels:
        """The classes of the training file, see ``data.labels.label_names``."""
        found = label_names(examples.labels or [], self.problem_type, examples.places)
        if self.problem_type == "single_label_classification" and len(found) < 2:
            place = examples.places[0].partition(",")[0]
            raise ValueError(f"{place} has one class only: {found}. It takes two to choose.")
        return found

    def strata(self, examples: TextRows) -> Sequence[Any] | None:
        """The classes, where each text has one."""
        return examples.labels if self.problem_type == "single_label_classification" else None

    def averaged(self, members: Sequence[Outputs]) -> Outputs:
        """Mean probabilities, or for a regression mean numbers."""
        return {"logits": mean_logits(self.problem_type, [each["logits"] for each in members])}

    def monitored(self, labels: Labels) -> str:
        """Accuracy, or the loss of a regression."""
        return "loss" if self.problem_type == "regression" else "accuracy"

    def prepared(self, model: Any, learned: Rows | None = None) -> Any:
        """The model, with the options of its loss where it is to learn."""
        if learned is not None:
            names = model.config.labels
            model.loss_options = self.options.of_model(names, learned.labels["logits"])
        return model

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> Rows:
        """A row for each text or pair."""
        encoded = examples.examples(self.problem_type, labels)
        return labelled_rows(encoded, tokenizer, self.settings.max_length)

    def score(
        self, examples: TextRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """See ``evaluation.classification.score``."""
        return score(self.problem_type, rows.labels["logits"], outputs["logits"])

    def answers(
        self, examples: TextRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``scores`` by class."""
        logits = outputs["logits"] / self.options.temperature
        chances = probabilities(self.problem_type, logits).tolist()
        return [
            {"scores": {name: round(x, 6) for name, x in zip(labels, row, strict=True)}}
            for row in chances
        ]
