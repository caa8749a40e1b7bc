"""How likely a masked language model finds texts.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.masked_rows import MaskedRows, each_word
from keras_bert_zoo.data.rows import encode
from keras_bert_zoo.evaluation.prediction import checked_max_length, keras_runner, outputs_of


@dataclasses.dataclass(frozen=True)
class PseudoLikelihood:
    """Log-probabilities of tokens, each guessed from the rest of its text.

    Args:
        log_probabilities: natural logarithms, float64 ``(tokens,)``, text by text.
        owners: the text of each token, int64 ``(tokens,)``.
        texts: N, how many texts there are.
    """

    log_probabilities: np.ndarray
    owners: np.ndarray
    texts: int

    @property
    def totals(self) -> np.ndarray:
        """The pseudo-log-likelihood of each text, float64 ``(N,)``; 0 for one without tokens."""
        return np.bincount(self.owners, self.log_probabilities, minlength=self.texts)

    @property
    def counts(self) -> np.ndarray:
        """Tokens of each text, int64 ``(N,)``."""
        return np.bincount(self.owners, minlength=self.texts)

    @property
    def perplexity(self) -> float:
        """The pseudo-perplexity of all texts: Salazar et al. 2020.

        Raises:
            ValueError: there are no tokens.
        """
        if not len(self.log_probabilities):
            raise ValueError("The texts hold no tokens but special ones: they have no perplexity.")
        return float(np.exp(-self.log_probabilities.mean()))


def pseudo_log_likelihood(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    within_word: bool = False,
    max_length: int | None = None,
    batch_size: int = 64,
) -> PseudoLikelihood:
    """Scores texts by a masked language model, with a masked copy of a text for each token.

    Salazar et al. 2020 (arXiv:1910.14659). Longer texts have lower totals: compare texts of
    the same length, or ``totals / counts``.

    Args:
        model: a ``PretrainingModel``: ``load(…, task="masked_lm")``.
        tokenizer: its ``Tokenizer``.
        texts: N strings. Special tokens in them are not scored, ``[UNK]`` is.
        within_word: whether the later pieces of a word are masked with each of its pieces,
            see ``data.masked_rows.each_word``.
        max_length: tokens at which texts are truncated; by default as for ``predict_logits``.
        batch_size: masked copies at once.

    Raises:
        ValueError: a text is no string, the model has no head for masked words,
            ``max_length`` is beyond its positions, or a logit is NaN or infinite.
    """
    if "prediction_logits" not in model.output:
        raise ValueError(
            f"model returns {list(model.output)}, no prediction_logits. Load one with a head for "
            "masked words: load(…, task='masked_lm')."
        )
    max_length = checked_max_length(model.config, tokenizer, max_length)
    examples = Examples(texts)
    if not len(examples):
        return PseudoLikelihood(np.zeros(0), np.zeros(0, int), 0)
    encoded = encode(examples, tokenizer, max_length)
    rows = each_word(encoded, tokenizer, within_word=within_word)
    run = keras_runner(model)
    return likelihood(rows, outputs_of(run, rows, max_length=max_length, batch_size=batch_size))


def likelihood(rows: MaskedRows, outputs: Mapping[str, np.ndarray]) -> PseudoLikelihood:
    """The likelihood of texts of which each token was masked once, of what was kept of it."""
    if not len(rows):
        return PseudoLikelihood(np.zeros(0), np.zeros(0, int), len(rows.encoded))
    found = outputs["log_probabilities"][:, 0]
    return PseudoLikelihood(found, rows.owners, len(rows.encoded))
