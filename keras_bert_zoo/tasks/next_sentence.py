"""Whether a second text follows the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import Rows, labelled_rows
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.classification import probabilities
from keras_bert_zoo.tasks.asking import TWO_TEXTS, texts_of
from keras_bert_zoo.tasks.task import Labels, Outputs, Task, mean_tally, right_choices

# As BERT was pretrained: 0 for a text that follows. A label is a name or its index.
CLASSES = ("follows", "random")
_KIND = "single_label_classification"


class NextSentence(Task[TextRows]):
    """Devlin et al. 2018, section 3.1; the model is a ``NextSentencePredictor``."""

    def read(self, source: str) -> TextRows:
        """Reads a table of pairs, see ``data.text_files``; labels are ``CLASSES``."""
        settings = self.settings
        table = TextTable(
            text=settings.text_column or "text",
            text_pair=settings.pair_column or "text_pair",
            label=settings.label_column or "label",
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )
        return table.read(source)

    def asked(self, questions: Sequence[Any]) -> TextRows:
        """Pairs of texts, or dicts with the columns ``text`` and ``text_pair``."""
        first, second = texts_of(questions, self.columns)
        if first and second is None:
            raise ValueError(
                f"question 0 is one text, {first[0]!r}; whether a text follows takes two. "
                + TWO_TEXTS
            )
        return TextRows([], first, second, None)

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> Rows:
        """A row for each pair."""
        return labelled_rows(examples.examples(_KIND, CLASSES), tokenizer, self.settings.max_length)

    def score(
        self, examples: TextRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """How often it is right."""
        return {"accuracy": float(right_choices(rows, outputs).mean())}

    def tally(self, examples: TextRows, rows: Rows, outputs: Outputs, labels: Labels) -> np.ndarray:
        """Of the accuracy."""
        return mean_tally(right_choices(rows, outputs))

    def answers(
        self, examples: TextRows, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """The probability that the second text ``follows``."""
        chances = probabilities(_KIND, outputs["logits"])[:, CLASSES.index("follows")]
        return [{"follows": round(chance, 6)} for chance in chances.tolist()]
