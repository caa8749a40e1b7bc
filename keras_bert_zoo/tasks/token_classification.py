"""A tag for each word: names, parts of speech, the borders of words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.config import IGNORED
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.tagging import TaggedText, TagTable
from keras_bert_zoo.data.windows import Windows, WordTokens, align, windows
from keras_bert_zoo.evaluation import tagging
from keras_bert_zoo.evaluation.classification import mean_logits, probabilities
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task

_OUTSIDE = "O"
Texts = list[TaggedText]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOptions:
    """What only tagging has.

    Args:
        stride: tokens that the rows of a long text share; at most half of a row is taken.
        subwords: which tokens of a word learn its tag: ``"first"``, or ``"all"``, the
            further ones the tag that goes on with it.
        joiner: between the words of a text, see ``data.tagging.TagTable``.
        token_column: of CoNLL files.
        tag_column: of CoNLL files.
        inconsistent: ``"repair"``, ``"error"`` or ``"keep"``.

    Raises:
        ValueError: a value is none of those.
    """

    stride: int = 32
    subwords: str = "first"
    joiner: str = " "
    token_column: int = 0
    tag_column: int = -1
    inconsistent: str = "repair"

    def __post_init__(self) -> None:
        """Refuses what names nothing."""
        if self.subwords not in ("first", "all"):
            raise ValueError(f"subwords must be 'first' or 'all', received {self.subwords!r}.")
        if self.stride < 0:
            raise ValueError(f"stride must be at least 0, received {self.stride}.")


@dataclasses.dataclass(frozen=True)
class _Found:
    """Rows that know the words of their texts."""

    windows: Windows
    tokens: WordTokens


class TokenClassification(Task[Texts]):
    """Devlin et al. 2018, section 5.3; the model is a ``TokenClassifier``."""

    Options = TagOptions
    sequences = ("logits",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        names = ("joiner", "token_column", "tag_column", "inconsistent")
        self.table = TagTable(
            words=settings.text_column or "tokens",
            tags=settings.label_column or "tags",
            encoding=settings.encoding,
            **{name: getattr(self.options, name) for name in names},
        )

    def read(self, source: str) -> Texts:
        """Reads CoNLL or JSON lines, see ``data.tagging.TagTable.read``."""
        return self.table.read(source)

    def asked(self, questions: Sequence[Any]) -> Texts:
        """Texts, lists of words, or dicts with ``text`` or ``tokens``."""
        return [self._asked(question, index) for index, question in enumerate(questions)]

    def _asked(self, question: Any, index: int) -> TaggedText:
        if isinstance(question, str):
            question = {"text": question}
        elif isinstance(question, list | tuple):
            question = {self.table.words: question}
        if not isinstance(question, dict):
            raise ValueError(
                f"question {index} must be a text, a list of words, or a dict with 'text' or "
                f"{self.table.words!r}, received {question!r}."
            )
        return self.table.tagged(f"question {index}", question)

    def label_names(self, examples: Texts) -> Labels:
        """``O`` first, then the others by kind; a kind has ``I-`` where it has ``B-``."""
        found = {tag for example in examples for tag in example.tags or ()}
        if tagging.spells_entities(found):
            found |= {f"I-{tag[2:]}" for tag in found if tag.startswith("B-")}
        return tuple(sorted(found, key=lambda tag: (tag != _OUTSIDE, tag[2:], tag)))

    def averaged(self, members: Sequence[Outputs]) -> Outputs:
        """Mean probabilities of each token."""
        logits = [each["logits"] for each in members]
        return {"logits": mean_logits("single_label_classification", logits)}

    def monitored(self, labels: Labels) -> str:
        """F1 of entities, or the accuracy of other tags."""
        return "f1" if tagging.spells_entities(labels) else "accuracy"

    def rows(self, examples: Texts, tokenizer: Any, labels: Labels) -> Rows:
        """Rows of all texts; long ones go on in several."""
        length = self.settings.max_length
        stride = min(self.options.stride, (length - 2) // 2)
        found = windows(
            [example.text for example in examples], tokenizer, max_length=length, stride=stride
        )
        tokens = align([example.words for example in examples], found)
        tagged = bool(examples) and all(example.tags is not None for example in examples)
        learned = self._labels(examples, found, tokens, labels) if tagged else None
        return Rows(
            found.encoded,
            token_labels={} if learned is None else {"logits": learned},
            memory=_Found(found, tokens),
        )

    def _labels(
        self, examples: Texts, found: Windows, tokens: WordTokens, labels: Labels
    ) -> np.ndarray:
        number = {name: index for index, name in enumerate(labels)}
        wanted = np.array(
            [_index(tag, number, each) for each in examples for tag in each.tags or ()], "int32"
        )
        learned = np.full(len(tokens.words), IGNORED, "int32")
        if self.options.subwords == "all":
            learned = _continued(found, tokens, wanted, labels)
        known = tokens.first >= 0
        learned[tokens.first[known]] = wanted[known]
        return learned

    def score(
        self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """See ``evaluation.tagging.score``; a word without a token counts as outside."""
        predicted = self._tags(examples, rows, outputs, labels)
        return tagging.score([example.tags or () for example in examples], predicted)

    def answers(
        self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``entities`` with characters of the text; for other tags ``tags``, one for each word."""
        chances = self._chances(rows, outputs)
        best = iter(chances.max(axis=-1))
        spell = tagging.spells_entities(labels)
        answers = []
        predicted = self._tags(examples, rows, outputs, labels)
        for example, tags in zip(examples, predicted, strict=True):
            scores = [float(next(best)) for _ in tags]
            units = tagging.entities(tags) if spell else [(t, i, i) for i, t in enumerate(tags)]
            shown = [_unit(example, scores, *unit) for unit in units]
            answers.append({"entities" if spell else "tags": shown})
        return answers

    def _chances(self, rows: Rows, outputs: Outputs) -> np.ndarray:
        """Probabilities of each word's classes, ``(words, classes)``; NaN without a token."""
        first = rows.memory.tokens.first
        chances = probabilities("single_label_classification", outputs["logits"][first])
        return np.where(first[:, None] >= 0, chances, np.nan)

    def _tags(
        self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[list[str]]:
        first = rows.memory.tokens.first
        best = outputs["logits"][first].argmax(axis=-1)
        names = iter(
            labels[index] if token >= 0 else _OUTSIDE
            for token, index in zip(first, best, strict=True)
        )
        return [[next(names) for _ in example.words] for example in examples]


def _index(tag: str, number: dict[str, int], example: TaggedText) -> int:
    if tag not in number:
        raise ValueError(f"{example.place}: unknown tag {tag!r}. Known are {list(number)}.")
    return number[tag]


def _continued(
    found: Windows, tokens: WordTokens, wanted: np.ndarray, labels: Labels
) -> np.ndarray:
    """The tag that goes on with each token's word, in the row that speaks for it."""
    number = {name: index for index, name in enumerate(labels)}
    inside = [
        number.get(f"I-{name[2:]}", i) if name[:2] == "B-" else i for name, i in number.items()
    ]
    row = np.repeat(np.arange(len(found.owners)), found.encoded.lengths)
    word = tokens.words
    same = (word >= 0) & (row == row[tokens.first[word]])
    return np.where(same, np.array(inside)[wanted[word]], IGNORED).astype("int32")


def _unit(
    example: TaggedText, scores: list[float], kind: str, first: int, last: int
) -> dict[str, Any]:
    start, end = example.words[first][0], example.words[last][1]
    known = [score for score in scores[first : last + 1] if score == score]
    return {
        "label": kind,
        "start": start,
        "end": end,
        "text": example.text[start:end],
        "score": round(float(np.mean(known)), 6) if known else None,
    }
