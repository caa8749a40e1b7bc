"""A text of a text: a translation, a summary, an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.pair_rows import TOKENS, WRITES, PairRows, pair_rows
from keras_bert_zoo.data.records import place_of
from keras_bert_zoo.data.summaries import Document, SummaryTable
from keras_bert_zoo.data.text_files import TextRows
from keras_bert_zoo.evaluation.prediction import Runner
from keras_bert_zoo.evaluation.spacing import respaced
from keras_bert_zoo.evaluation.writing import METRICS, TOKENIZERS
from keras_bert_zoo.generation import GenerationOptions, generate
from keras_bert_zoo.rules import PART, SWITCH, TEXT, at_least, check_options, choice, or_none
from keras_bert_zoo.tasks.task import Labels, Outputs, Settings
from keras_bert_zoo.tasks.writing import Writing, widened

_OF_GENERATION = ("max_new_tokens", "num_beams", "length_penalty", "no_repeat_ngram_size")
_RULES = {
    "summaries": SWITCH,
    "aspect": or_none(TEXT),
    "label_smoothing": PART,
    "max_target_length": or_none(at_least(2)),
    "metric": choice(*METRICS),
    "bleu_tokenizer": choice(*TOKENIZERS),
    "respace": SWITCH,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class WritingOptions:
    """What only models that write have.

    Args:
        summaries: whether files are documents with summaries, as ``data.summaries`` reads them,
            instead of pairs of texts.
        aspect: of summaries, see there.
        label_smoothing: what part of a label is spread over all tokens (Vaswani et al. 2017,
            arXiv:1706.03762, section 5.4).
        max_target_length: tokens at which what is learned to be written is cut, its end
            included, at most ``max_length``; that by default.
        metric: ``bleu`` (with chrF), ``rouge`` or ``exact_match``, see ``evaluation.writing``.
        bleu_tokenizer: how sacrebleu cuts words: ``13a``, ``zh``, ``intl``, ``char`` or ``none``.
        respace: put the spaces of what was written as its source and Chinese typography have
            them, see ``evaluation.spacing``, instead of between all word pieces.
        max_new_tokens: tokens of the longest text that is written, its end included.
        num_beams: as all below, of ``generation.GenerationOptions``.
        length_penalty: see there.
        no_repeat_ngram_size: see there.

    Raises:
        ValueError: values are out of range; all are named.
    """

    summaries: bool = False
    aspect: str | None = None
    label_smoothing: float = 0.1
    max_target_length: int | None = None
    metric: str = "bleu"
    bleu_tokenizer: str = "13a"
    respace: bool = False
    max_new_tokens: int = 64
    num_beams: int = 1
    length_penalty: float = 1.0
    no_repeat_ngram_size: int = 0

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, _RULES)
        GenerationOptions(**self.generation)

    @property
    def generation(self) -> dict[str, Any]:
        """Options of ``generate``."""
        return {name: getattr(self, name) for name in _OF_GENERATION}


class Seq2Seq(Writing):
    """Sutskever et al. 2014 (arXiv:1409.3215); the model is an ``EncoderDecoder``.

    It learns to say each token after those before it, and is judged by what it writes by itself.
    """

    Options = WritingOptions

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        longest = self.options.max_target_length or settings.max_length
        if longest > settings.max_length:
            raise ValueError(
                f"max_target_length may be at most max_length ({settings.max_length}), received "
                f"{longest}."
            )
        self.documents = SummaryTable(
            text=settings.text_column,
            summary=settings.pair_column,
            label=settings.label_column,
            aspect=self.options.aspect,
            **self.files,
        )

    def recall(self, config: Any) -> None:
        """Takes what texts begin and end with."""
        self.start, self.end = config.decoder_start_token_id, config.eos_token_id

    def read(self, source: str) -> TextRows:
        """Reads pairs of texts, see ``data.text_files``, or documents with summaries."""
        if not self.options.summaries:
            return super().read(source)
        found = self.documents.read(source)
        references = [each.reference or "" for each in found]
        return TextRows([each.place for each in found], _texts_of(found), references, None)

    def asked(self, questions: Sequence[Any]) -> TextRows:
        """Texts, or dicts with the columns of a file, or with ``text``; targets are not read."""
        if self.options.summaries:
            return TextRows([], _texts_of(self._asked(questions)), None, None)
        return super().asked(questions)

    def _asked(self, questions: Sequence[Any]) -> list[Document]:
        column = self.settings.text_column or "text"
        return [
            self.documents.document(
                place_of(question, index),
                question if isinstance(question, Mapping) else {column: question},
                labelled=False,
            )
            for index, question in enumerate(questions)
        ]

    def prepared(self, model: Any, learned: Any = None) -> Any:
        """The model with the smoothing of its loss.

        Raises:
            ValueError: there are fewer positions than tokens to be written.
        """
        room = model.decoder.config.max_tokens
        longest = self.options.max_target_length or self.settings.max_length
        if self.options.max_new_tokens > room - 1 or (learned is not None and longest > room):
            raise ValueError(
                f"The decoder has {room} positions: max_new_tokens may be at most {room - 1}, "
                f"received {self.options.max_new_tokens} (by default 64), and "
                f"max_target_length at most {room}, received {longest}. State both as options."
            )
        model.label_smoothing = self.options.label_smoothing
        return model

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> PairRows:
        """A row for each text, with what is to be written where that is known."""
        rows = pair_rows(
            examples.texts,
            examples.text_pairs,
            tokenizer,
            start=self.start,
            end=self.end,
            max_length=self.settings.max_length,
            max_target_length=self.options.max_target_length,
        )
        return dataclasses.replace(rows, memory=(tokenizer, examples.texts))

    def runner(self, model: Any, *, learning: bool = False) -> Runner:
        """Writes; with ``learning`` also scores what is to be written."""

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            read = {k: x for k, x in inputs.items() if not k.startswith(WRITES)}
            read = widened(read, model.config.max_tokens)
            written = generate(model, read, jit_compile=False, **self.options.generation)
            scored = model.predict_on_batch(dict(inputs)) if learning else {}
            return {**scored, TOKENS: written}

        return run

    def texts(self, rows: Any, outputs: Outputs) -> list[str]:
        """What was written, with the spaces that are asked for."""
        found = super().texts(rows, outputs)
        return list(map(respaced, found, rows.memory[1])) if self.options.respace else found


def _texts_of(documents: Sequence[Document]) -> list[str]:
    return [each.text for each in documents]
