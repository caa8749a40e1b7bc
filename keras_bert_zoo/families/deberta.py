"""Choices of DeBERTa-v2 and v3."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from keras_bert_zoo.families.choices import Choices, Sizes, block_size, pooler_size
from keras_bert_zoo.rules import INTEGER, PART, SWITCH, TEXT, Rule, choice


def _kinds(value: Any) -> frozenset[str]:
    parts = value.split("|") if isinstance(value, str) else value
    return frozenset(str(part).strip().lower() for part in parts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DebertaChoices(Choices):
    """Of DeBERTa-v2 and v3 (He et al. 2021, arXiv:2111.09543), with the defaults of `transformers`.

    Args:
        relative_attention: whether attention knows distances; must be true.
        pos_att_type: what distances are multiplied with: ``"c2p"``, the query of a token, and
            ``"p2c"``, its key; also as one string, ``"p2c|c2p"``.
        max_relative_positions: the largest distance; below 1 it is ``max_position_embeddings``.
        position_buckets: on each side, for distances that grow; below 1 each has its own.
        share_att_key: whether distances go through the projections of the tokens.
        norm_rel_ebd: ``"layer_norm"`` where distances are normalised, or ``"none"``.
        position_biased_input: whether positions are added to words, as in BERT.
        pooler_dropout: rate before the pooler.
        pooler_hidden_act: its activation.
        legacy: whether the head for words is the one that BERT has; the other has their own names.
        conv_kernel_size: of a convolution, which is not known.
    """

    relative_attention: bool = False
    pos_att_type: str | tuple[str, ...] = ()
    max_relative_positions: int = -1
    position_buckets: int = -1
    share_att_key: bool = False
    norm_rel_ebd: str = "none"
    position_biased_input: bool = True
    pooler_dropout: float = 0.0
    pooler_hidden_act: str = "gelu"
    legacy: bool = True
    conv_kernel_size: int = 0

    rules: ClassVar[Mapping[str, Rule]] = {
        "relative_attention": Rule(
            "true: no other attention is known", lambda value: value is True
        ),
        "pos_att_type": Rule(
            "'c2p', 'p2c' or both, joined by '|' or as a list",
            lambda value: isinstance(value, str | list | tuple) and _kinds(value) <= {"c2p", "p2c"},
        ),
        "max_relative_positions": INTEGER,
        "position_buckets": INTEGER,
        "share_att_key": SWITCH,
        "norm_rel_ebd": choice("none", "layer_norm"),
        "position_biased_input": SWITCH,
        "pooler_dropout": PART,
        "pooler_hidden_act": TEXT,
        "legacy": SWITCH,
        "conv_kernel_size": Rule("0: a convolution is not known", lambda value: value == 0),
    }

    @property
    def kinds(self) -> frozenset[str]:
        """``pos_att_type`` as a set."""
        return _kinds(self.pos_att_type)

    def farthest(self, config: Sizes) -> int:
        """The largest distance that attention tells from larger ones."""
        stated = self.max_relative_positions
        return stated if stated > 0 else config.max_position_embeddings

    def span(self, config: Sizes) -> int:
        """Rows of the table of distances for each side."""
        return self.position_buckets if self.position_buckets > 0 else self.farthest(config)

    def problems(self, config: Sizes) -> list[str]:
        """Tables have the width of the layers."""
        hidden, table = config.hidden_size, config.table_width
        if table == hidden:
            return []
        return [f"embedding_size ({table}) must be hidden_size ({hidden})"]

    def table_rows(self, config: Sizes) -> int:
        """Positions where they are added, segments, and distances on both sides."""
        positions = config.max_position_embeddings if self.position_biased_input else 0
        return positions + config.type_vocab_size + 2 * self.span(config)

    def parameters(self, config: Sizes) -> int:
        """Number of weights of the encoder, and of a pooler that it has not."""
        hidden = config.hidden_size
        rows = config.vocab_size + self.table_rows(config)
        norms = 2 + 2 * (self.norm_rel_ebd == "layer_norm")
        own = 0 if self.share_att_key else len(self.kinds) * hidden * (hidden + 1)
        blocks = config.num_hidden_layers * (block_size(config) + own)
        return (rows + norms) * hidden + blocks + pooler_size(config)
