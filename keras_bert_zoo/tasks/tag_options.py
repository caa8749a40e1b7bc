"""What only tagging has."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.tasks.loss_options import LossOptions


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
        crf: whether tags also learn to follow each other, see ``layers.crf``; a checkpoint with
            a CRF has it by itself.
        constrained: whether answers are the best tags that spell entities, see
            ``evaluation.tagging.may_follow``, or the best ones.

    Raises:
        ValueError: a value is none of those.
    """

    stride: int = 32
    subwords: str = "first"
    joiner: str = " "
    token_column: int = 0
    tag_column: int = -1
    inconsistent: str = "repair"
    crf: bool = False
    constrained: bool = False

    def __post_init__(self) -> None:
        """Refuses what names nothing."""
        super().__post_init__()
        switches = {"crf": self.crf, "constrained": self.constrained}
        if not set(switches.values()) <= {True, False}:
            raise ValueError(f"options must be true or false: {switches}.")
        if self.subwords not in ("first", "all"):
            raise ValueError(f"subwords must be 'first' or 'all', received {self.subwords!r}.")
        if self.stride < 0:
            raise ValueError(f"stride must be at least 0, received {self.stride}.")
        if self.crf:
            self.check_chain()

    def check_chain(self) -> None:
        """Refuses what a CRF cannot have.

        Raises:
            ValueError: there are options of another loss, or several tags a word.
        """
        if self.given() or self.subwords == "all":
            raise ValueError(
                f"A CRF learns whole texts, a tag a word: it goes without {self.given()} and with "
                f"subwords='first', received {self.subwords!r}."
            )
