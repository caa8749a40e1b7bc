"""How a text goes on."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from keras_bert_zoo.data.pair_rows import TOKENS, PairRows, begun, frame_of
from keras_bert_zoo.data.prefix_rows import prefix_rows, prefixes
from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.data.text_files import TextRows
from keras_bert_zoo.evaluation.prediction import Runner
from keras_bert_zoo.evaluation.writing import METRICS, TOKENIZERS
from keras_bert_zoo.generation import GenerationOptions, generate
from keras_bert_zoo.rules import PART, check_options, choice, only
from keras_bert_zoo.tasks.task import Labels
from keras_bert_zoo.tasks.writing import Writing, widened
from keras_bert_zoo.token_rows import PROMPT

# What texts begin with, and a token.
_SHORTEST = 2
_OF_GENERATION = [field.name for field in dataclasses.fields(GenerationOptions)]
_RULES = {
    "metric": choice(*METRICS),
    "bleu_tokenizer": choice(*TOKENIZERS),
    "num_return_sequences": only(1),
    "label_smoothing": PART,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContinuationOptions(GenerationOptions):
    """How a text goes on, and how that is judged.

    Args:
        label_smoothing: part of a label that is spread over all tokens, see ``seq2seq``.
        metric: ``bleu`` (with chrF), ``rouge`` or ``exact_match``, see ``evaluation.writing``.
        bleu_tokenizer: how sacrebleu cuts words: ``13a``, ``zh``, ``intl``, ``char`` or ``none``.

    Raises:
        ValueError: values are out of range; all are named.
    """

    label_smoothing: float = 0.1
    metric: str = "bleu"
    bleu_tokenizer: str = "13a"

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        super().__post_init__()
        check_options(self, _RULES)

    @property
    def generation(self) -> dict[str, Any]:
        """Options of ``generate``."""
        return {name: getattr(self, name) for name in _OF_GENERATION}


class CausalText(Writing):
    """Radford et al. 2019, section 2; the model is a ``models.CausalLM``.

    Asked for the beginning of a text, it says what follows. A text is cut where it leaves too
    little room for that. What reads a prefix also learns from pairs what to write behind it
    (Dong et al. 2019, arXiv:1905.03197, section 2.3).
    """

    Options = ContinuationOptions
    own_columns = ("text", "target")
    without: ClassVar = {"label_column": "what is to follow is in pair_column"}
    # Whether rows hold what is to follow.
    learns = False

    def learning_from(self, examples: TextRows) -> CausalText:
        """The task with what is to follow in its rows."""
        found = copy.copy(self)
        found.learns = True
        return found

    @property
    def longest(self) -> int:
        """Tokens of the longest row; the last that is to follow is never read."""
        room = self.options.max_new_tokens - 1 if self.learns else 0
        return self.settings.max_length + room

    def prepared(self, model: Any, learned: Rows | None = None) -> Any:
        """The model with the smoothing of its loss.

        Raises:
            ValueError: what is to learn reads no prefix.
        """
        if learned is not None and not model.config.prefix:
            raise ValueError(
                "The model reads from the left alone, and learns from text alone: keras-bert-zoo "
                "pretrain. From pairs of texts learns what reads a prefix: begin with BERT, or "
                "with a model that has prefix_lm in its config."
            )
        model.label_smoothing = self.options.label_smoothing
        return model

    def recall(self, config: Any) -> None:
        """Takes what texts begin and end with, and how much room there is.

        Raises:
            ValueError: tokens to be written leave no position for a text.
        """
        room = config.max_tokens - self.options.max_new_tokens
        if room < _SHORTEST:
            raise ValueError(
                f"The decoder has {config.max_tokens} positions: max_new_tokens may be at most "
                f"{config.max_tokens - _SHORTEST}, received {self.options.max_new_tokens} (by "
                f"default 64). State the option: {{max_new_tokens: {config.max_tokens // 2}}}."
            )
        self.config, self.end = config, config.extra.get("eos_token_id")
        length = min(self.settings.max_length, room)
        self.settings = dataclasses.replace(self.settings, max_length=length)

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> Rows:
        """A row for each text, behind it what is to follow where that is learned."""
        memory, length = (tokenizer, examples.texts), self.settings.max_length
        frame = frame_of(tokenizer, self.config)
        if not self.learns:
            return PairRows(begun(examples.texts, tokenizer, length, frame), memory=memory)
        found = prefix_rows(
            examples.texts,
            examples.text_pairs,
            tokenizer,
            frame=frame,
            end=self.end,
            max_length=length,
            max_target_length=self.options.max_new_tokens,
        )
        return dataclasses.replace(found, memory=memory)

    def runner(self, model: Any, *, learning: bool = False) -> Runner:
        """Writes; with ``learning`` also scores what is to follow."""

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            read = prefixes(inputs) if learning else {name: inputs[name] for name in PROMPT}
            read = widened(read, self.settings.max_length)
            written = generate(model, read, jit_compile=False, **self.options.generation)
            scored = model.predict_on_batch(dict(inputs)) if learning else {}
            return {**scored, TOKENS: written}

        return run
