"""What the ``config.json`` of some families says beyond ``EncoderConfig``'s fields.

The keys lie in ``EncoderConfig.extra``, as they were; ``EncoderConfig.choices`` reads them. Here
are BERT's, none, and how its weights are counted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from keras_bert_zoo.rules import Rule

# Inputs and outputs of each.
Kernels = tuple[tuple[int, int], ...]


class Sizes(Protocol):
    """The fields of an ``EncoderConfig`` that weights are counted by."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    relative_attention_num_buckets: int | None
    table_width: int
    groups: int
    head_size: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """Of BERT and what shares its blocks: none."""

    rules: ClassVar[Mapping[str, Rule]] = {}
    # Whether sub-layers normalise what enters them, and the stack what leaves it.
    norm_first: ClassVar[bool] = False

    @classmethod
    def read(cls, extra: Mapping[str, Any]) -> Choices:
        """The choices that a file makes; ``null`` leaves the default."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in extra.items() if k in names and v is not None})

    def embeddings(self, config: Sizes) -> Mapping[str, Any]:
        """Arguments of ``layers.Embeddings`` of a decoder that are others than BERT's."""
        return {}

    @property
    def word_head(self) -> Mapping[str, Any]:
        """Arguments of ``layers.MaskedLMHead`` that are others than BERT's."""
        return {}

    @property
    def networks(self) -> int:
        """Feed-forward layers of a block before its last."""
        return 0

    @property
    def sees_padding(self) -> bool:
        """Whether padding behind a text changes its numbers, though masked in attention."""
        return False

    @property
    def pools_densely(self) -> bool:
        """Whether the pooler has a linear layer."""
        return True

    def problems(self, config: Sizes) -> list[str]:
        """What contradicts the sizes; asked once each choice is sound by its rule."""
        return []

    def table_rows(self, config: Sizes) -> int:
        """Rows of the tables besides that of words."""
        return config.max_position_embeddings + config.type_vocab_size

    def tables(self, config: Sizes) -> int:
        """Numbers in the tables besides that of words."""
        return self.table_rows(config) * config.table_width

    def width(self, config: Sizes) -> int:
        """Width of all heads of a layer."""
        return config.hidden_size

    def keys_seen(self, config: Sizes, length: int) -> float:
        """Keys with which a query of a row is multiplied, the mean of all layers."""
        return length

    def block_kernels(self, config: Sizes) -> Kernels:
        """The kernels of a block."""
        hidden, inner = config.hidden_size, config.intermediate_size
        return (*[(hidden, hidden)] * 4, (hidden, inner), (inner, hidden))

    def outer_kernels(self, config: Sizes) -> Kernels:
        """Those outside of blocks: of narrow tables, and of a pooler."""
        hidden, table = config.hidden_size, config.table_width
        return (*[(table, hidden)] * (table != hidden), (hidden, hidden))

    def answering(self, config: Sizes, length: int) -> float:
        """Numbers that a token takes at the widest moment of a block, see ``training.memory``."""
        hidden, inner = config.hidden_size, config.intermediate_size
        return max(6 * hidden + 2 * config.num_attention_heads * length, 2 * hidden + 3 * inner)

    def learning(self, config: Sizes, length: int) -> float:
        """Numbers of a token that a block keeps for its gradients, see ``training.memory``."""
        hidden, inner = config.hidden_size, config.intermediate_size
        scores = config.num_attention_heads * self.keys_seen(config, length)
        return 8.5 * hidden + 3 * inner + 2.25 * scores

    def parameters(self, config: Sizes) -> int:
        """Number of weights of the encoder with learned positions and a pooler."""
        hidden, table = config.hidden_size, config.table_width
        rows = config.vocab_size + self.table_rows(config)
        projection = 0 if table == hidden else (table + 1) * hidden
        distances = (config.relative_attention_num_buckets or 0) * config.num_attention_heads
        embeddings = (rows + 2) * table + projection + distances
        return embeddings + config.groups * block_size(config) + pooler_size(config)


def block_size(config: Sizes) -> int:
    """Number of weights of one of BERT's blocks."""
    hidden, inner = config.hidden_size, config.intermediate_size
    attention = 4 * (hidden * hidden + hidden)
    feed_forward = 2 * hidden * inner + inner + hidden
    return attention + feed_forward + 4 * hidden


def pooler_size(config: Sizes) -> int:
    """Number of weights of BERT's pooler."""
    return config.hidden_size * (config.hidden_size + 1)
