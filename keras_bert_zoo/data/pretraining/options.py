"""What batches for pretraining hold, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.config import ConfigError

MASKINGS = ("token", "whole_word", "ngram", "span")
SENTENCES = ("next", "order", "none")
OBJECTIVES = ("masked", "causal")


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskingOptions:
    """Which words are masked, and by what.

    Args:
        masking: ``"token"``; ``"whole_word"``; ``"ngram"`` (1 to 3 whole words, a length n with
            probability ∝ 1/n); ``"span"`` (1 to 10 whole words, lengths geometric with p = 0.2,
            and masked, replaced or kept together).
        masked_lm_prob: part of the words of a row that is masked, rounded, and at least one.
        max_predictions_per_seq: ``P``, the most words that are masked in a row.
        mask_rate: part of the chosen words that becomes ``[MASK]``.
        random_rate: part of them that becomes any word of the vocabulary; the rest stays.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    masking: str = "token"
    masked_lm_prob: float = 0.15
    max_predictions_per_seq: int = 20
    mask_rate: float = 0.8
    random_rate: float = 0.1

    def __post_init__(self) -> None:
        """Refuses values that no batch can have, all complaints in one error."""
        problems = [message for wrong, message in self._problems() if wrong]
        if problems:
            raise ConfigError("Such batches cannot be made: " + "; ".join(problems))

    def _problems(self) -> list[tuple[bool, str]]:
        return [
            _not_one_of("masking", self.masking, MASKINGS),
            (
                not 0 < self.masked_lm_prob < 1,
                f"masked_lm_prob must be between 0 and 1, received {self.masked_lm_prob}",
            ),
            (
                self.max_predictions_per_seq < 1,
                f"max_predictions_per_seq must be at least 1: {self.max_predictions_per_seq}",
            ),
            (
                not (self.mask_rate >= 0 and 0 <= self.random_rate <= 1 - self.mask_rate + 1e-9),
                "mask_rate and random_rate must be 0 or more and at most 1 together, received "
                f"{self.mask_rate} and {self.random_rate}",
            ),
        ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions(MaskingOptions):
    """What the rows of a batch are made of, and what is to be predicted.

    Args:
        objective: ``"masked"``, or ``"causal"``: nothing is masked, and every token is predicted
            from those before it; needs ``sentences="none"``.
        max_length: ``S``, tokens of a row with the special ones.
        sentences: ``"next"`` (pairs; the second text follows or is from another document),
            ``"order"`` (pairs of texts that follow each other, half of them swapped) or
            ``"none"`` (whole sentences until the row is full).
        short_seq_prob: part of the documents whose pairs are shorter than the row.
        packed: several documents in one row, which do not see each other; needs
            ``sentences="none"``.

    Raises:
        ConfigError: values are out of range or contradict each other; all are named.
    """

    objective: str = "masked"
    max_length: int = 128
    sentences: str = "next"
    short_seq_prob: float = 0.1
    packed: bool = False

    @property
    def pairs(self) -> bool:
        """Whether a row is a pair of texts, with a label."""
        return self.sentences != "none"

    @property
    def causal(self) -> bool:
        """Whether tokens are predicted from those before them."""
        return self.objective == "causal"

    @property
    def predictions(self) -> int:
        """Places of a row of which words are scored."""
        return self.max_length if self.causal else self.max_predictions_per_seq

    @property
    def capacity(self) -> int:
        """Tokens of a row without the special ones of a single text or pair."""
        return self.max_length - (3 if self.pairs else 2)

    def _problems(self) -> list[tuple[bool, str]]:
        shortest = 5 if self.pairs else 3
        return [
            *super()._problems(),
            _not_one_of("objective", self.objective, OBJECTIVES),
            (
                self.causal and self.pairs,
                f"objective 'causal' needs sentences='none', received {self.sentences!r}",
            ),
            (
                self.causal and self.masking != "token",
                f"objective 'causal' masks nothing: leave masking out, received {self.masking!r}",
            ),
            _not_one_of("sentences", self.sentences, SENTENCES),
            (
                self.max_length < shortest,
                f"max_length must be at least {shortest} with sentences={self.sentences!r}, "
                f"received {self.max_length}",
            ),
            (
                not self.causal and self.max_predictions_per_seq > max(self.capacity, 1),
                f"max_predictions_per_seq ({self.max_predictions_per_seq}) must be at most "
                f"{self.capacity}, the tokens of a row of max_length {self.max_length} without "
                "special ones",
            ),
            (
                not 0 <= self.short_seq_prob <= 1,
                f"short_seq_prob must be in [0, 1], received {self.short_seq_prob}",
            ),
            (
                self.packed and self.pairs,
                f"packed rows need sentences='none', received {self.sentences!r}",
            ),
        ]


def _not_one_of(name: str, value: str, valid: tuple[str, ...]) -> tuple[bool, str]:
    return value not in valid, f"{name} must be one of {valid}, received {value!r}"
