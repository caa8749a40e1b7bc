"""Choices of ModernBERT."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from keras_bert_zoo.families.choices import Choices, Kernels, Sizes, pooler_size
from keras_bert_zoo.rules import (
    PART,
    POSITIVE,
    SWITCH,
    TEXT,
    Rule,
    choice,
    is_number,
    list_of,
    size,
)

FULL, SLIDING = "full_attention", "sliding_attention"


def is_cut(reach: int, length: int) -> bool:
    """Whether local layers cut a row into blocks, each of which sees itself and its neighbours.

    From there on both answers and gradients are faster in ModernBERT's shape, see
    ``benchmarks/local_attention.py``.
    """
    return length > 16 * reach > 0


def _are_rotations(value: Any) -> bool:
    def is_default(row: Any) -> bool:
        theta = row.get("rope_theta", 1.0)
        return row.get("rope_type", "default") == "default" and is_number(theta) and theta > 0

    return isinstance(value, Mapping) and all(
        name in (FULL, SLIDING) and (row is None or (isinstance(row, Mapping) and is_default(row)))
        for name, row in value.items()
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModernBertChoices(Choices):
    """Of ModernBERT (Warner et al. 2024, arXiv:2412.13663), with the defaults of `transformers`.

    Args:
        attention_bias: whether projections of attention have a bias.
        mlp_bias: whether those of the feed-forward layer have one.
        norm_bias: whether normalisations have one.
        decoder_bias: whether words have one.
        embedding_dropout: rate after the embeddings.
        local_attention: tokens that a local layer sees, its own in the middle.
        global_attn_every_n_layers: of so many layers the first sees all tokens.
        layer_types: the same, layer by layer: ``FULL`` or ``SLIDING``.
        global_rope_theta: base of the rotations in layers that see all tokens.
        local_rope_theta: in the others.
        rope_parameters: the same as newer files have it, by type of layer.
        rope_scaling: of older files; must be ``None``.
        classifier_pooling: ``"cls"``, the first token, or ``"mean"``.
        classifier_bias: whether the layer before classes and words has a bias.
        classifier_activation: behind that layer.
    """

    attention_bias: bool = False
    mlp_bias: bool = False
    norm_bias: bool = False
    decoder_bias: bool = True
    embedding_dropout: float = 0.0
    local_attention: int = 128
    global_attn_every_n_layers: int = 3
    layer_types: tuple[str, ...] = ()
    global_rope_theta: float = 160_000.0
    local_rope_theta: float = 10_000.0
    rope_parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rope_scaling: Any = None
    classifier_pooling: str = "cls"
    classifier_bias: bool = False
    classifier_activation: str = "gelu"

    rules: ClassVar[Mapping[str, Rule]] = {
        **dict.fromkeys(
            ("attention_bias", "mlp_bias", "norm_bias", "decoder_bias", "classifier_bias"), SWITCH
        ),
        "embedding_dropout": PART,
        "local_attention": size(1_048_576),
        "global_attn_every_n_layers": size(1_024),
        "layer_types": list_of(choice(FULL, SLIDING)),
        "global_rope_theta": POSITIVE,
        "local_rope_theta": POSITIVE,
        "rope_parameters": Rule(
            f"rotations of type 'default' by {FULL!r} and {SLIDING!r}, with their rope_theta",
            _are_rotations,
        ),
        "rope_scaling": Rule("None: other rotations are not known", lambda value: value is None),
        "classifier_pooling": choice("cls", "mean"),
        "classifier_activation": TEXT,
    }

    @property
    def word_head(self) -> Mapping[str, Any]:
        """Arguments of ``layers.MaskedLMHead``."""
        return {
            "activation": self.classifier_activation,
            "transform_bias": self.classifier_bias,
            "norm_bias": self.norm_bias,
            "word_bias": self.decoder_bias,
        }

    def problems(self, config: Sizes) -> list[str]:
        """An odd head cannot be rotated, nor tables projected; each layer has a type."""
        types, layers = len(self.layer_types), config.num_hidden_layers
        hidden, table = config.hidden_size, config.table_width
        holds = {
            f"the width of a head ({config.head_size}) must be even": config.head_size % 2 == 0,
            f"embedding_size ({table}) must be hidden_size ({hidden})": table == hidden,
            f"layer_types must name all {layers} layers, it names {types}": types in (0, layers),
        }
        return [rule for rule, kept in holds.items() if not kept]

    def sees_all(self, layer: int) -> bool:
        """Whether a layer sees all tokens."""
        if self.layer_types:
            return self.layer_types[layer] == FULL
        return layer % self.global_attn_every_n_layers == 0

    def theta(self, sees_all: bool) -> float:
        """Base of the rotations."""
        older = self.global_rope_theta if sees_all else self.local_rope_theta
        newer = self.rope_parameters.get(FULL if sees_all else SLIDING) or {}
        return float(newer.get("rope_theta", older))

    @property
    def reach(self) -> int:
        """The largest distance that a local layer sees."""
        return self.local_attention // 2

    def keys_seen(self, config: Sizes, length: int) -> float:
        """Fewer in local layers of rows that are cut into blocks."""
        near = 3 * self.reach if is_cut(self.reach, length) else length
        layers = range(config.num_hidden_layers)
        return sum(length if self.sees_all(layer) else near for layer in layers) / len(layers)

    def table_rows(self, config: Sizes) -> int:
        """There are none."""
        return 0

    def block_kernels(self, config: Sizes) -> Kernels:
        """Of attention, and of a feed-forward layer with a gate."""
        hidden, inner = config.hidden_size, config.intermediate_size
        return ((hidden, 3 * hidden), (hidden, hidden), (hidden, 2 * inner), (inner, hidden))

    def parameters(self, config: Sizes) -> int:
        """Number of weights of the encoder, and of a pooler that it has not."""
        hidden, inner, layers = (
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
        )
        attention = 4 * hidden * (hidden + self.attention_bias)
        feed_forward = 3 * hidden * inner + self.mlp_bias * (2 * inner + hidden)
        norms = (2 * layers + 1) * hidden * (1 + self.norm_bias)  # the first block has one less
        words = config.vocab_size * hidden
        return words + layers * (attention + feed_forward) + norms + pooler_size(config)
