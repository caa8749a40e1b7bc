"""What tasks share whose answer is a text that a model writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from keras_bert_zoo.data.pair_rows import TOKENS
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.prediction import Runner
from keras_bert_zoo.evaluation.writing import METRICS
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task, mean_tally

# Texts are read in widths of this step: for each width a program is made.
_STEP = 32


class Writing(Task[TextRows]):
    """Judged by what is written.

    A subclass has ``metric`` and ``bleu_tokenizer`` among its options. Its ``recall`` sets
    ``end``, and its rows remember the tokenizer and the texts that were read.
    """

    # Logits are as wide as the vocabulary, for each token.
    rows_at_once = 16
    # Columns of a text and of what is to be written.
    own_columns: ClassVar[tuple[str, str]] = ("source", "target")
    # Id behind what is written; `None` where nothing says it.
    end: Any

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.metric = METRICS[self.options.metric]
        names = ("delimiter", "encoding", "empty_texts")
        self.files: Any = {name: getattr(settings, name) for name in names}
        text, pair = self.columns
        self.table = TextTable(text=text, text_pair=pair, label=None, **self.files)

    @property
    def columns(self) -> tuple[str, str]:
        """Columns of a text and of what is to be written."""
        text, pair = self.own_columns
        return self.settings.text_column or text, self.settings.pair_column or pair

    def read(self, source: str) -> TextRows:
        """Reads pairs of texts, see ``data.text_files``."""
        return self.table.read(source)

    def asked(self, questions: Sequence[Any]) -> TextRows:
        """Texts, or dicts with the columns of a file, or with ``text``; targets are not read."""
        first = self.columns[0]
        plain = [_renamed(question, first) for question in questions]
        return TextRows([], texts_of(plain, (first,))[0], None, None)

    def monitored(self, labels: Labels) -> str:
        """What the metric says."""
        return self.metric.monitored

    def score(
        self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """The scores of the metric."""
        texts, references = self.texts(rows, outputs), examples.text_pairs or []
        return self.metric.scores(texts, references, self.options.bleu_tokenizer)

    def tally(
        self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels
    ) -> np.ndarray | None:
        """Of a score that is a mean."""
        if self.metric.each is None:
            return None
        return mean_tally(self.metric.each(self.texts(rows, outputs), examples.text_pairs or []))

    def silent(self, model: Any) -> Runner:
        """Writes the end alone."""
        return lambda inputs: {TOKENS: np.full((len(inputs["input_ids"]), 1), self.end)}

    def answers(
        self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``generated_text``, what was written."""
        return [{"generated_text": text} for text in self.texts(rows, outputs)]

    def texts(self, rows: Any, outputs: Outputs) -> list[str]:
        """What was written, up to its end."""
        tokenizer, _ = rows.memory
        # A word table may have more rows than the vocabulary has words.
        words = tokenizer.vocab_size
        found = []
        for row in outputs[TOKENS].tolist():
            ids = row[: row.index(self.end)] if self.end in row else row
            known = [token for token in ids if token < words]
            found.append(tokenizer.decode(known, skip_special_tokens=True))
        return found


def _renamed(question: Any, column: str) -> Any:
    """A question with its ``text`` in the column of texts."""
    if isinstance(question, Mapping) and column not in question and "text" in question:
        return {column: question["text"]}
    return question


def widened(inputs: Mapping[str, np.ndarray], longest: int) -> dict[str, np.ndarray]:
    """Inputs ``(B, S)`` with padding up to the next width of ``_STEP``, or the longest."""
    width = inputs["input_ids"].shape[1]
    missing = min(-(-width // _STEP) * _STEP, longest) - width
    return {name: np.pad(x, [(0, 0), (0, missing)]) for name, x in inputs.items()}
