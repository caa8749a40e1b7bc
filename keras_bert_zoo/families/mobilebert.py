"""Choices of MobileBERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from keras_bert_zoo.families.choices import Choices, Kernels, Sizes
from keras_bert_zoo.rules import SWITCH, Rule, choice, size

NO_NORM, LAYER_NORM = "no_norm", "layer_norm"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MobileBertChoices(Choices):
    """Of MobileBERT (Sun et al. 2020, arXiv:2004.02984), with the defaults of `transformers`.

    Args:
        trigram_input: whether a token's vector is made of its word and its two neighbours.
        use_bottleneck: whether blocks work on narrower vectors than they pass on.
        intra_bottleneck_size: width of those.
        use_bottleneck_attention: whether all of attention works on them too.
        key_query_shared_bottleneck: whether queries and keys have a bottleneck of their own, and
            values none.
        num_feedforward_networks: feed-forward layers of a block, one behind the other.
        normalization_type: ``"no_norm"``, a factor and a bias, or ``"layer_norm"``.
        classifier_activation: whether the pooler has a linear layer and tanh; without, it is the
            first token.
    """

    trigram_input: bool = True
    use_bottleneck: bool = True
    intra_bottleneck_size: int = 128
    use_bottleneck_attention: bool = False
    key_query_shared_bottleneck: bool = True
    num_feedforward_networks: int = 4
    normalization_type: str = NO_NORM
    classifier_activation: bool = True

    rules: ClassVar[Mapping[str, Rule]] = {
        "trigram_input": SWITCH,
        "use_bottleneck": SWITCH,
        "intra_bottleneck_size": size(65_536),
        "use_bottleneck_attention": SWITCH,
        "key_query_shared_bottleneck": SWITCH,
        "num_feedforward_networks": size(64),
        "normalization_type": choice(NO_NORM, LAYER_NORM),
        "classifier_activation": SWITCH,
    }

    @property
    def networks(self) -> int:
        """Feed-forward layers of a block before its last."""
        return self.num_feedforward_networks - 1

    @property
    def sees_padding(self) -> bool:
        """Whether the last word of a text has padding for a neighbour."""
        return self.trigram_input

    @property
    def pools_densely(self) -> bool:
        """Whether the pooler has a linear layer."""
        return self.classifier_activation

    @property
    def compares_apart(self) -> bool:
        """Whether queries and keys have a bottleneck of their own."""
        return self.use_bottleneck and not self.use_bottleneck_attention

    def width(self, config: Sizes) -> int:
        """Width inside of a block."""
        return self.intra_bottleneck_size if self.use_bottleneck else config.hidden_size

    def problems(self, config: Sizes) -> list[str]:
        """What `transformers` cannot build either, or only with weights that nothing uses."""
        hidden, table, heads = config.hidden_size, config.table_width, config.num_attention_heads
        holds = {
            f"embedding_size ({table}) must be below hidden_size ({hidden}): the head for words "
            "has a table for the rest": table < hidden,
            f"intra_bottleneck_size ({self.intra_bottleneck_size}) must be a multiple of "
            f"num_attention_heads ({heads})": self.width(config) % heads == 0,
            "key_query_shared_bottleneck must be true where use_bottleneck is and "
            "use_bottleneck_attention is not: queries and keys are as wide as the bottleneck": (
                self.key_query_shared_bottleneck or not self.compares_apart
            ),
        }
        return [rule for rule, kept in holds.items() if not kept]

    def tables(self, config: Sizes) -> int:
        """Numbers in the tables of positions and segments, which are as wide as the layers."""
        return self.table_rows(config) * config.hidden_size

    def block_kernels(self, config: Sizes) -> Kernels:
        """Of bottlenecks, attention and feed-forward layers."""
        hidden, inner, width = config.hidden_size, config.intermediate_size, self.width(config)
        bottlenecks = self.use_bottleneck + self.compares_apart
        return (
            *[(hidden, width)] * bottlenecks,
            *[(width, width)] * 3,
            (hidden if self.compares_apart else width, width),
            *[(width, inner), (inner, width)] * self.num_feedforward_networks,
            *[(width, hidden)] * self.use_bottleneck,
        )

    def outer_kernels(self, config: Sizes) -> Kernels:
        """Of the embeddings, and of a pooler that has one."""
        hidden = config.hidden_size
        words = (1 + 2 * self.trigram_input) * config.table_width
        return ((words, hidden), *[(hidden, hidden)] * self.classifier_activation)

    def answering(self, config: Sizes, length: int) -> float:
        """Numbers that a token takes at the widest moment of a block.

        ``H + max(6 W + 2 N S, 2 W + 3 I, W + 4 H)``: the block's input; in attention the
        bottleneck's output, queries, keys, values and two copies, and scores twice; behind it a
        residual, and three steps of a feed-forward layer; at last what leaves the bottleneck, the
        sum, and two steps of its factor and bias.
        """
        hidden, inner, width = config.hidden_size, config.intermediate_size, self.width(config)
        attention = 6 * width + 2 * config.num_attention_heads * length
        return hidden + max(attention, 2 * width + 3 * inner, width + 4 * hidden)

    def learning(self, config: Sizes, length: int) -> float:
        """Numbers of a token that a block keeps for its gradients.

        ``2 H + 9 W + n (I + 2 W) + 2.25 N S``: what enters it, and the sum before its last factor;
        in attention what four projections and three factors meet, queries, keys, values and
        context; in each feed-forward layer what two projections and a factor meet; probabilities
        before and after dropout, and its mask.
        """
        hidden, width = config.hidden_size, self.width(config)
        networks = self.num_feedforward_networks * (config.intermediate_size + 2 * width)
        mixing = 2.25 * config.num_attention_heads * length
        return 2 * hidden + 9 * width + networks + mixing

    def parameters(self, config: Sizes) -> int:
        """Number of weights of the encoder with its pooler."""
        hidden, width = config.hidden_size, self.width(config)
        narrow = 1 + self.num_feedforward_networks + self.use_bottleneck + self.compares_apart
        norms = 2 * (narrow * width + self.use_bottleneck * hidden)
        block = norms + _weights(self.block_kernels(config))
        tables = config.vocab_size * config.table_width + self.tables(config)
        outer = 2 * hidden + _weights(self.outer_kernels(config))
        return tables + outer + config.num_hidden_layers * block


def _weights(kernels: Kernels) -> int:
    """Of linear layers, biases included."""
    return sum((inputs + 1) * outputs for inputs, outputs in kernels)
