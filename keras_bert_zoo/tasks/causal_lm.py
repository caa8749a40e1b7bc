"""How a text goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from keras_bert_zoo.data.pair_rows import TOKENS, PairRows, begun, start_of
from keras_bert_zoo.data.text_files import TextRows
from keras_bert_zoo.data.token_rows import PROMPT
from keras_bert_zoo.evaluation.prediction import Runner
from keras_bert_zoo.evaluation.writing import METRICS, TOKENIZERS
from keras_bert_zoo.generation import GenerationOptions, generate
from keras_bert_zoo.rules import check_options, choice, only
from keras_bert_zoo.tasks.task import Labels
from keras_bert_zoo.tasks.writing import Writing, widened

# What texts begin with, and a token.
_SHORTEST = 2
_OF_GENERATION = [field.name for field in dataclasses.fields(GenerationOptions)]
_RULES = {
    "metric": choice(*METRICS),
    "bleu_tokenizer": choice(*TOKENIZERS),
    "num_return_sequences": only(1),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContinuationOptions(GenerationOptions):
    """How a text goes on, and how that is judged.

    Args:
        metric: ``bleu`` (with chrF), ``rouge`` or ``exact_match``, see ``evaluation.writing``.
        bleu_tokenizer: how sacrebleu cuts words: ``13a``, ``zh``, ``intl``, ``char`` or ``none``.

    Raises:
        ValueError: values are out of range; all are named.
    """

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
    little room for that.
    """

    Options = ContinuationOptions
    own_columns = ("text", "target")
    without: ClassVar = {"label_column": "what is to follow is in pair_column"}

    def recall(self, config: Any) -> None:
        """Takes what texts begin and end with, and how much room there is.

        Raises:
            ValueError: tokens to be written leave no position for a text.
        """
        room = config.max_tokens - self.options.max_new_tokens
        if room < _SHORTEST:
            raise ValueError(
                f"The decoder has {config.max_tokens} positions: max_new_tokens may be at most "
                f"{config.max_tokens - _SHORTEST}, received {self.options.max_new_tokens}."
            )
        self.config, self.end = config, config.extra.get("eos_token_id")
        length = min(self.settings.max_length, room)
        self.settings = dataclasses.replace(self.settings, max_length=length)

    def rows(self, examples: TextRows, tokenizer: Any, labels: Labels) -> PairRows:
        """A row for each text."""
        start = start_of(tokenizer, self.config)
        encoded = begun(examples.texts, tokenizer, self.settings.max_length, start)
        return PairRows(encoded, memory=(tokenizer, examples.texts))

    def runner(self, model: Any, *, learning: bool = False) -> Runner:
        """Writes."""

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            read = {name: inputs[name] for name in PROMPT}
            read = widened(read, self.settings.max_length)
            return {TOKENS: generate(model, read, jit_compile=False, **self.options.generation)}

        return run
