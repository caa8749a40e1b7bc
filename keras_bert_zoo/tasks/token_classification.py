"""A tag for each word: names, parts of speech, the borders of words."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np

from keras_bert_zoo.config import IGNORED, EncoderConfig
from keras_bert_zoo.data.records import place_of
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.tagging import TaggedText, TagTable
from keras_bert_zoo.data.windows import Windows, WordTokens, align, windows
from keras_bert_zoo.evaluation import tagging
from keras_bert_zoo.evaluation.classification import mean_logits, probabilities
from keras_bert_zoo.layers.crf import NEVER
from keras_bert_zoo.tasks.tag_chains import best_tags, chain_scores
from keras_bert_zoo.tasks.tag_options import TagOptions
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task

_OUTSIDE = "O"
# Where the `config.json` of an export keeps the scores of a CRF.
TRANSITIONS = "crf_transitions"
Texts = list[TaggedText]


@dataclasses.dataclass(frozen=True)
class _Found:
    """Rows that know the words of their texts."""

    windows: Windows
    tokens: WordTokens


class TokenClassification(Task[Texts]):
    """Devlin et al. 2018, section 5.3; the model is a ``TokenClassifier``."""

    Options = TagOptions
    sequences = ("logits",)
    without: ClassVar = {"pair_column": "a text with tags is a single one"}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # Gives the scores of tags that follow each other, `(classes + 1, classes + 1)`.
        self.bordered: Callable[[], Any] | None = None
        names = ("joiner", "token_column", "tag_column", "inconsistent")
        self.table = TagTable(
            words=settings.text_column or "tokens",
            tags=settings.label_column or "tags",
            encoding=settings.encoding,
            **{name: getattr(self.options, name) for name in names},
        )
        self.readers = self.table.question_readers

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
                f"{place_of(question, index)} must be a text, a list of words, or a dict with "
                f"'text' or {self.table.words!r}, received {question!r}."
            )
        return self.table.untagged(place_of(question, index), question)

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

    def prepared(self, model: Any, learned: Rows | None = None) -> Any:
        """The model, with a CRF or the options of its loss where it is to learn.

        Raises:
            ValueError: what is only asked has no CRF, or what has one no use for options; see
                ``TagOptions.check_chain``.
        """
        if learned is None and self.options.crf and model.crf is None:
            raise ValueError("The model has no CRF: leave out crf, or fine-tune it with crf.")
        if model.crf is not None:
            self.options.check_chain()
        if learned is not None:
            model = self._learning(model, learned)
        self.bordered = model.crf and model.crf.bordered
        return model

    def recall(self, config: EncoderConfig) -> None:
        """Takes the CRF's scores from a config, where an export left them."""
        stored = config.extra.get(TRANSITIONS)
        if stored is not None:
            self.options.check_chain()
        self.bordered = None if stored is None else functools.partial(np.array, stored, "float32")

    def _learning(self, model: Any, learned: Rows) -> Any:
        labels, targets = model.config.labels, learned.token_labels["logits"]
        if self.options.crf and model.crf is None:
            model = model.with_crf()
            rates, neighbours = chain_scores(targets, learned.encoded.lengths, len(labels))
            model.crf.assign_bordered(neighbours)
            bias = model.get_layer("classifier").bias
            if not keras.ops.any(bias):  # a head that has learned knows the rates
                bias.assign(rates)
        model.loss_options = self.options.of_model(labels, targets)
        return model

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
        predicted, _ = self._tags(examples, rows, outputs, labels)
        return tagging.score([example.tags or () for example in examples], predicted, labels)

    def tally(self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels) -> np.ndarray:
        """See ``evaluation.tagging.tally``."""
        predicted, _ = self._tags(examples, rows, outputs, labels)
        return tagging.tally([example.tags or () for example in examples], predicted, labels)

    def answers(
        self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``entities`` with characters of the text; for other tags ``tags``, one for each word."""
        predicted, chances = self._tags(examples, rows, outputs, labels)
        spell = tagging.spells_entities(labels)
        answers = []
        for example, tags, scores in zip(examples, predicted, chances, strict=True):
            units = tagging.entities(tags) if spell else [(t, i, i) for i, t in enumerate(tags)]
            shown = [_unit(example, scores, *unit) for unit in units]
            answers.append({"entities" if spell else "tags": shown})
        return answers

    def _tags(
        self, examples: Texts, rows: Rows, outputs: Outputs, labels: Labels
    ) -> tuple[list[list[str]], list[list[float]]]:
        """The tags of each text's words, and their probabilities: NaN without a token."""
        first = rows.memory.tokens.first
        logits, known = outputs["logits"][first], first >= 0
        counts = [len(example.words) for example in examples]
        transitions = self.transitions(labels)
        if transitions is None:
            best = logits.argmax(axis=-1)
            chances = probabilities("single_label_classification", logits).max(axis=-1)
        else:
            best, chances = best_tags(logits, known, counts, transitions)
        names = iter(np.where(known, np.array(labels)[best], _OUTSIDE).tolist())
        scores = iter(np.where(known, chances, np.nan).tolist())
        return (
            [[next(names) for _ in range(count)] for count in counts],
            [[next(scores) for _ in range(count)] for count in counts],
        )

    def transitions(self, labels: Labels) -> np.ndarray | None:
        """Scores of tags that follow each other, where they count; see ``layers.crf``."""
        if self.bordered is None and not self.options.constrained:
            return None
        size = len(labels) + 1
        scores = np.zeros((size, size), "float32")
        if self.bordered is not None:
            scores = keras.ops.convert_to_numpy(self.bordered())
        if self.options.constrained:
            scores = np.where(tagging.may_follow(labels), scores, np.float32(NEVER))
        return scores


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
