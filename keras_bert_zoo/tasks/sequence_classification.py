"""One class, several labels or a number for a text or a pair of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.data.labels import label_names
from keras_bert_zoo.data.rows import Rows, labelled_rows
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.classification import mean_logits, probabilities, score
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task


class SequenceClassification(Task[TextRows]):
    """Devlin et al. 2018, section 4.1; the model is a ``SequenceClassifier``."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.problem_type: str = settings.problem_type or "single_label_classification"

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
        first, second = texts_of(questions)
        return TextRows([], first, second, None)

    def label_names(self, examples: TextRows) -> Labels:
        """The classes of the training file, see ``data.labels.label_names``."""
        found = label_names(examples.labels or [], self.problem_type)
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
        chances = probabilities(self.problem_type, outputs["logits"]).tolist()
        return [
            {"scores": {name: round(x, 6) for name, x in zip(labels, row, strict=True)}}
            for row in chances
        ]
