"""What models that write are asked in a verification. TensorFlow only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.pair_rows import TOKENS, PairRows, begun, frame_of
from keras_bert_zoo.data.rows import encode

from ..artifact import Artifact
from ..asking import longest_row, task_for, tokenizer_of
from ..errors import ExportError
from ..runner import widened
from ..verification.asked import Asked, Given, read_asked
from ..verification.metrics import Judged, scores_between

# Of every kind of character that tokenizers treat in their own ways.
TEXTS = (
    "The weather was fine, so we went to the sea.",
    "Who wrote this letter, and when?",
    "In 2019 the company sold 1,250 bicycles (17% more).",
    "Zoë Lee's café isn't open.",
    "天气很好，我们去了海边。",
)


class WritingQuestions:
    """Texts, each alone, and what of what was written is right.

    Args:
        given: of ``verify``; by default ``TEXTS``.
        artifacts: those that are to be compared; all read the same rows.
        columns: of what is given.

    Raises:
        ExportError: there are no texts, or an artifact has no tokenizer.
        ValueError: a file holds something else.
    """

    def __init__(
        self, given: Given, artifacts: Sequence[Artifact], columns: Mapping[str, Any]
    ) -> None:
        first = artifacts[0]
        self._tokenizer = tokenizer_of(first)
        asked, texts, longest = _READERS[str(first.task)](
            list(TEXTS) if given is None else given, artifacts, columns
        )
        if not texts:
            raise ExportError("There are no texts to verify the artifacts with.")
        self._asked: Any = asked
        if first.task == "seq2seq":
            encoded = encode(Examples(texts), self._tokenizer, longest)
        else:
            frame = frame_of(self._tokenizer, first.config)
            encoded = begun(texts, self._tokenizer, longest, frame)
        self._all = PairRows(encoded, memory=(self._tokenizer, texts))
        counts = encoded.lengths.tolist()
        self.rows = [encoded.padded(np.array([i]), count) for i, count in enumerate(counts)]
        self.lengths = tuple(sorted(set(counts)))
        # A file of a fixed length cuts rows where a signature does not cut strings.
        fixed = any(longest_row(artifact) for artifact in artifacts)
        self.whole_texts = {
            i: texts[i] for i, count in enumerate(counts) if not fixed or count < longest
        }

    def rows_of(self, artifact: Artifact) -> list[dict[str, np.ndarray]]:
        """The rows, filled up to the length that an artifact reads."""
        length, padding = longest_row(artifact), self._tokenizer.pad_token_id
        return [widened(row, [length] if length else [], padding) for row in self.rows]

    @property
    def metric(self) -> str | None:
        """The name of what ``scores`` finds."""
        asked = self._asked
        return asked.task.monitored(()) if asked.labelled else None

    def written(self, ids: np.ndarray) -> list[str]:
        """What ids ``(rows, T)`` say, as a predictor does."""
        return self._asked.task.texts(self._all, {TOKENS: ids})

    def scores(self, ids: np.ndarray, expected: np.ndarray | None = None) -> dict[str, Any]:
        """The fields of a report's row that need references."""
        if self.metric is None:
            return {}
        before = None if expected is None else self._score(expected)
        return scores_between(self._score(ids), before, self._asked.task.metric.whole)._asdict()

    def _score(self, ids: np.ndarray) -> Judged:
        """The metric, and what it is the ratio of."""
        task, examples, _ = self._asked
        judged = examples, self._all, {TOKENS: ids}, ()
        return task.score(*judged)[str(self.metric)], task.tally(*judged)


# What a task has read, its texts, and the tokens of the longest.
_Read = tuple[Asked, list[str], int]


def _pairs(given: Given, artifacts: Sequence[Artifact], columns: Mapping[str, Any]) -> _Read:
    """As the task of models with an encoder reads them."""
    asked: Any = read_asked(given, artifacts, columns)
    asked.task.recall(artifacts[0].config)
    return asked, list(asked.examples.texts), asked.task.settings.max_length


def _beginnings(given: Given, artifacts: Sequence[Artifact], columns: Mapping[str, Any]) -> _Read:
    """Texts that a decoder goes on with; of a file what follows them is not read."""
    first, settings = artifacts[0], {k: x for k, x in columns.items() if k != "limit"}
    questions: Any = given
    if isinstance(given, str):
        questions = list(task_for(first, tokenizer_of(first), **settings).questions(given))
    asked: Any = read_asked(questions, artifacts, columns)
    room = first.config.max_tokens - max(a.signature.outputs[0].axes[1] for a in artifacts)
    return asked, list(asked.examples.texts), min(room, asked.task.settings.max_length)


_READERS = {"seq2seq": _pairs, "causal_lm": _beginnings}
