"""What only questions have."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.data.squad import MISPLACED
from keras_bert_zoo.rules import NUMBER, SWITCH, at_least, check_options, choice, or_none

_RULES = {
    "stride": at_least(0),
    "max_question_length": at_least(1),
    "n_best": at_least(1),
    "max_answer_length": at_least(1),
    "null_threshold": NUMBER,
    "impossible": or_none(SWITCH),
    "misplaced": choice(*MISPLACED),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuestionOptions:
    """What only questions have.

    Args:
        stride: tokens of a long context that a row shares with the one before it.
        max_question_length: tokens after which a question is cut off.
        n_best: answers to keep.
        max_answer_length: tokens of the longest answer that is given.
        null_threshold: no answer is given where the score of none is larger by more than this.
        impossible: whether a question may have no answer; by default whether the data know of
            one that has none. What was trained on such remembers it.
        misplaced: answers that are not where the file says: ``"error"``, ``"drop"``,
            ``"find"`` or ``"find_or_drop"``, see ``data.squad``.

    Raises:
        ValueError: values are out of range; all are named.
    """

    stride: int = 128
    max_question_length: int = 64
    n_best: int = 20
    max_answer_length: int = 30
    null_threshold: float = 0.0
    impossible: bool | None = None
    misplaced: str = "error"

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_options(self, _RULES)
