"""Which sentences of a document make up its summary."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.records import place_of
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.sentence_rows import sentence_rows
from keras_bert_zoo.data.summaries import JOINER, Document, SummaryTable
from keras_bert_zoo.evaluation.extracts import each_rouge, oracle, rouge, select
from keras_bert_zoo.rules import SHARE, TEXT, at_least, check_options, or_none
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task, mean_tally

Documents = list[Document]
_RULES = {
    "sentences": at_least(1),
    "threshold": SHARE,
    "block_ngrams": at_least(0),
    "aspect": or_none(TEXT),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryOptions:
    """What only summaries have.

    Args:
        sentences: sentences of the longest summary, of those that are learned too.
        threshold: the least probability of a sentence that is taken.
        block_ngrams: words that no two sentences of a summary share in a row; 0 allows all.
            Every Chinese character is a word: take more there, or 0.
        aspect: which of several summaries, see ``data.summaries.SummaryTable``.

    Raises:
        ValueError: values are out of range; all are named.
    """

    sentences: int = 3
    threshold: float = 0.0
    block_ngrams: int = 3
    aspect: str | None = None

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, _RULES)


@dataclasses.dataclass(frozen=True)
class _Found:
    """What is known of documents besides their rows.

    Args:
        documents: all of them.
        first: the token that each sentence begins with, ``(sentences,)``.
        most: sentences of the longest summary.
    """

    documents: Documents
    first: np.ndarray
    most: int

    @functools.cached_property
    def oracles(self) -> list[list[int]]:
        """The sentences of each document that come nearest to its summary."""
        return [oracle(each.sentences, each.reference or "", self.most) for each in self.documents]

    @functools.cached_property
    def baselines(self) -> dict[str, float]:
        """Scores of the first sentences, and of the best that could be found."""
        leads = [list(range(min(self.most, len(each.spans)))) for each in self.documents]
        chosen = {"lead": leads, "oracle": self.oracles}
        return {
            f"{name}_{kind}": value
            for name, indices in chosen.items()
            for kind, value in _scores(self.documents, indices).items()
        }


class ExtractiveSummarization(Task[Documents]):
    """Liu and Lapata 2019, section 3; the model is an ``ExtractiveSummarizer``."""

    Options = SummaryOptions
    sequences = ("logits",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.table = SummaryTable(
            text=settings.text_column,
            summary=settings.pair_column,
            label=settings.label_column,
            aspect=self.options.aspect,
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )

    def monitored(self, labels: Labels) -> str:
        """ROUGE-2."""
        return "rouge2"

    def read(self, source: str) -> Documents:
        """Reads documents with summaries or labels, see ``data.summaries``."""
        return self.table.read(source)

    def asked(self, questions: Sequence[Any]) -> Documents:
        """Texts, lists of sentences, or dicts with the columns of a file.

        Raises:
            ValueError: something else; the message names the number of the question.
        """
        return [self._asked(question, index) for index, question in enumerate(questions)]

    def _asked(self, question: Any, index: int) -> Document:
        columns = (
            question if isinstance(question, Mapping) else {self.table.text or "text": question}
        )
        return self.table.document(place_of(question, index), columns, labelled=False)

    def rows(self, examples: Documents, tokenizer: Any, labels: Labels) -> Rows:
        """Rows of whole sentences; long documents take several."""
        sentences = [each.sentences for each in examples]
        encoded, first = sentence_rows(sentences, tokenizer, self.settings.max_length)
        found = _Found(examples, first, self.options.sentences)
        learned: dict[str, np.ndarray] = {}
        if all(each.reference is not None for each in examples):
            learned["logits"] = np.full(len(encoded.input_ids), IGNORED, "int32")
            learned["logits"][first] = _wanted(found)
        return Rows(encoded, token_labels=learned, memory=found)

    def score(
        self, examples: Documents, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """See ``evaluation.extracts.rouge``; also of the first sentences and of the oracle."""
        return {**_scores(examples, self._taken(rows, outputs)), **rows.memory.baselines}

    def tally(
        self, examples: Documents, rows: Rows, outputs: Outputs, labels: Labels
    ) -> np.ndarray:
        """Of the mean of ROUGE-2."""
        pairs = _with_references(examples, self._taken(rows, outputs))
        return mean_tally(each_rouge(*pairs)["rouge2"])

    def answers(
        self, examples: Documents, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``summary_text``, a sentence a line; ``selected``, each with its place in the text.

        Both are empty where there are no sentences, or none reaches the threshold.
        """
        return [
            {
                "summary_text": _joined(document, chosen),
                "selected": [
                    {
                        "index": index,
                        "start": document.spans[index][0],
                        "end": document.spans[index][1],
                        "text": document.sentences[index],
                        "score": round(float(chances[index]), 6),
                    }
                    for index in chosen
                ],
            }
            for document, (chances, chosen) in zip(
                examples, self._chosen(rows, outputs), strict=True
            )
        ]

    def _taken(self, rows: Rows, outputs: Outputs) -> list[list[int]]:
        return [taken for _, taken in self._chosen(rows, outputs)]

    def _chosen(self, rows: Rows, outputs: Outputs) -> list[tuple[np.ndarray, list[int]]]:
        """The probability of each sentence of each document, and those that are taken."""
        found, options = rows.memory, self.options
        chances = expit(outputs["logits"][found.first].astype("float64"))
        edges = np.cumsum([len(each.spans) for each in found.documents])[:-1]
        return [
            (
                part,
                select(
                    part,
                    document.sentences,
                    most=options.sentences,
                    threshold=options.threshold,
                    block=options.block_ngrams,
                ),
            )
            for document, part in zip(found.documents, np.split(chances, edges), strict=True)
        ]


def _wanted(found: _Found) -> np.ndarray:
    """0 or 1 for each sentence: the labels of its document, or else those of its oracle."""
    known = [
        np.isin(np.arange(len(each.spans)), chosen) if each.labels is None else each.labels
        for each, chosen in zip(found.documents, found.oracles, strict=True)
    ]
    return np.concatenate(known)


def _joined(document: Document, chosen: Sequence[int]) -> str:
    return JOINER.join(document.sentences[index] for index in chosen)


def _scores(documents: Documents, chosen: Sequence[Sequence[int]]) -> dict[str, float]:
    return rouge(*_with_references(documents, chosen))


def _with_references(
    documents: Documents, chosen: Sequence[Sequence[int]]
) -> tuple[list[str], list[str]]:
    extracts = [_joined(*each) for each in zip(documents, chosen, strict=True)]
    return extracts, [each.reference or "" for each in documents]
