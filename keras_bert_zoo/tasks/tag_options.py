"""What only tagging has."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.data.tagging import INCONSISTENT
from keras_bert_zoo.rules import INTEGER, SWITCH, TEXT, at_least, check_options, choice, or_none
from keras_bert_zoo.tasks.loss_options import LOSS_RULES, LossOptions

_RULES = {
    **LOSS_RULES,
    "stride": at_least(0),
    "subwords": choice("first", "all"),
    "joiner": TEXT,
    "token_column": INTEGER,
    "tag_column": INTEGER,
    "inconsistent": choice(*INCONSISTENT),
    "crf": or_none(SWITCH),
    "constrained": SWITCH,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TagOptions(LossOptions):
    """What only tagging has, and how tags are learned.

    Args:
        stride: tokens that the rows of a long text share; at most half of a row is taken.
        subwords: which tokens of a word learn its tag: ``"first"``, or ``"all"``, the
            further ones the tag that goes on with it.
        joiner: between the words of a text, see ``data.tagging.TagTable``.
        token_column: of CoNLL files.
        tag_column: of CoNLL files.
        inconsistent: ``"repair"``, ``"error"`` or ``"keep"``.
        crf: whether tags also learn to follow each other, see ``layers.crf``; by default where
            the checkpoint has a CRF.
        constrained: whether answers are the best tags that spell entities, see
            ``evaluation.tagging.may_follow``, or the best ones.

    Raises:
        ValueError: values are none of those; all are named.
    """

    stride: int = 32
    subwords: str = "first"
    joiner: str = " "
    token_column: int = 0
    tag_column: int = -1
    inconsistent: str = "repair"
    crf: bool | None = None
    constrained: bool = False

    def __post_init__(self) -> None:
        """Refuses what names nothing."""
        check_options(self, _RULES)
        if self.crf:
            self.check_chain()

    def check_chain(self) -> None:
        """Refuses what a CRF cannot have.

        Raises:
            ValueError: there are options of another loss, or several tags a word, or none is
                wanted.
        """
        if self.crf is False:
            raise ValueError(
                "options: crf is false, but the model has a CRF, which decides about its answers. "
                "Leave crf out, or fine-tune a checkpoint without one."
            )
        others = {**self.given(), **({"subwords": "all"} if self.subwords == "all" else {})}
        if others:
            raise ValueError(
                f"A CRF learns whole texts, one tag a word: leave out {others}, or crf."
            )
