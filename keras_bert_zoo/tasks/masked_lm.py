"""Words for the masks of a text, and how likely a text is."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.masked_rows import MaskedRows, each_word, own_masks
from keras_bert_zoo.data.records import Record
from keras_bert_zoo.data.rows import encode
from keras_bert_zoo.data.text_files import TextRows, TextTable
from keras_bert_zoo.evaluation.pseudo_likelihood import likelihood
from keras_bert_zoo.rules import SWITCH, at_least, check_options
from keras_bert_zoo.tasks.asking import texts_of
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings, Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedOptions:
    """Options of masked words.

    Args:
        top_k: how many words are named for each mask.
        likelihood: whether texts that are asked for are scored as they stand, instead of
            having their masks filled.
        within_word: of scoring, see ``data.masked_rows.each_word``.

    Raises:
        ValueError: values are out of range; all are named.
    """

    top_k: int = 5
    likelihood: bool = False
    within_word: bool = False

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, {"top_k": at_least(1), "likelihood": SWITCH, "within_word": SWITCH})


class MaskedLM(Task[TextRows]):
    """Devlin et al. 2018, section 3.1; the model is a ``PretrainingModel``.

    Asked for a text with ``[MASK]``, it names words. The label of a text that was read is
    the text itself: each of its tokens is masked once.
    """

    Options = MaskedOptions
    without: ClassVar = {"label_column": "its texts are their own labels"}

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.readers = {".txt": functools.partial(_lines, column=self.columns[0])}
        self.table = TextTable(
            text=settings.text_column or "text",
            text_pair=settings.pair_column,
            label=None,
            delimiter=settings.delimiter,
            encoding=settings.encoding,
            empty_texts=settings.empty_texts,
        )

    def read(self, source: str) -> TextRows:
        """Reads a table of texts, see ``data.text_files``, or a ``.txt`` with one a line."""
        found = self.table.read(source, readers=self.readers)
        return dataclasses.replace(found, labels=found.texts)

    def asked(self, questions: Sequence[Any]) -> TextRows:
        """Texts, pairs, or dicts with the columns ``text`` and ``text_pair``."""
        first, second = texts_of(questions, self.columns)
        return TextRows([], first, second, first if self.options.likelihood else None)

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> MaskedRows:
        """A row for each text with masks, or for each token of each text to be scored.

        Raises:
            ValueError: a text that is no label of its own holds no mask.
        """
        texts = Examples(examples.texts, examples.text_pairs)
        encoded = encode(texts, tokenizer, self.settings.max_length)
        options = self.options
        if examples.labels is None:
            return own_masks(encoded, tokenizer, top_k=options.top_k)
        return each_word(encoded, tokenizer, within_word=options.within_word, top_k=options.top_k)

    def score(
        self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels
    ) -> dict[str, float]:
        """How often the likeliest word is the right one, and the pseudo-perplexity."""
        perplexity = likelihood(rows, outputs).perplexity  # refuses texts without words
        return {
            "masked_accuracy": float(_hits(rows, outputs).mean()),
            "pseudo_perplexity": perplexity,
        }

    def tally(self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels) -> np.ndarray:
        """Of each text its right words and all of its words."""
        right = np.bincount(rows.owners, _hits(rows, outputs), minlength=len(examples))
        return np.stack([right, np.bincount(rows.owners, minlength=len(examples))], axis=1)

    def monitored(self, labels: Labels) -> str:
        """How often the likeliest word is the right one."""
        return "masked_accuracy"

    def decision(self, answer: Any) -> Any:
        """The likeliest word for each mask."""
        return [words[0]["token"] for words in answer.get("masks", ())]

    def answers(
        self, examples: TextRows, rows: Any, outputs: Outputs, labels: Labels
    ) -> list[dict[str, Any]]:
        """``masks``: for each, what the fill-mask pipeline of `transformers` answers.

        For texts to be scored ``pseudo_log_likelihood`` and the number of ``tokens``.
        """
        if examples.labels is None:
            return [{"masks": _masks(rows, outputs, row)} for row in range(len(rows))]
        found = likelihood(rows, outputs)
        return [
            {"pseudo_log_likelihood": round(total, 6), "tokens": count}
            for total, count in zip(found.totals.tolist(), found.counts.tolist(), strict=True)
        ]


def _hits(rows: MaskedRows, outputs: Outputs) -> np.ndarray:
    """Whether the likeliest word is the right one, of rows with one mask ``(N,)``."""
    return (outputs["top_ids"][..., 0] == rows.words)[:, 0]


def _masks(rows: MaskedRows, outputs: Outputs, row: int) -> list[list[dict[str, Any]]]:
    """The words for each mask of a text, and the text with each of them."""
    decode, pad = rows.tokenizer.decode, rows.tokenizer.pad_token_id
    ids = rows.inputs(np.array([row]), int(rows.lengths[row]))["input_ids"][0]
    count = int(rows.counts[row])
    found = []
    for mask in range(count):
        ids_and_scores = zip(
            outputs["top_ids"][row, mask].tolist(),
            outputs["top_scores"][row, mask].tolist(),
            strict=True,
        )
        words = []
        for token, score in ids_and_scores:
            filled = ids.copy()
            filled[rows.positions[row, mask]] = token
            # As the pipeline does: with several masks, those that are left stay to be seen.
            text = decode(filled[filled != pad], skip_special_tokens=count == 1)
            words.append(
                {
                    "score": round(score, 6),
                    "token": token,
                    "token_str": decode([token]),
                    "sequence": text,
                }
            )
        found.append(words)
    return found


def _lines(path: pathlib.Path, content: str, column: str) -> Iterator[Record]:
    """Lines that are not blank."""
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield f"{path}, line {number}", {column: line.removesuffix("\r")}
