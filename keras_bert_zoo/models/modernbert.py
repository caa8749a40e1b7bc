"""ModernBERT (Warner et al. 2024, arXiv:2412.13663) as a functional ``keras.Model``."""

from __future__ import annotations

import math
from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.families import ModernBertChoices
from keras_bert_zoo.layers import (
    AttentionBias,
    Embeddings,
    LayerNorm,
    PreNormBlock,
    Rotations,
    Window,
)
from keras_bert_zoo.models.bert import block_sizes
from keras_bert_zoo.models.encoder import Encoder, Steps


@keras.saving.register_keras_serializable("keras_bert_zoo")
class ModernBertEncoder(Encoder):
    """ModernBERT without a task head, see ``Encoder``.

    Places are rotations of queries and keys, which know the distance alone: ``position_ids`` of
    packed rows change nothing. Where the graph knows that rows are long, layers with a window
    compute the scores inside it alone, see ``Window``.
    """

    called = "modernbert"

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Words alone."""
        choices = config.choices
        return {
            "type_vocab_size": 0,
            "position_embedding_type": None,
            "dropout": choices.embedding_dropout,
            "norm_bias": choices.norm_bias,
        }

    @staticmethod
    def steps(
        config: EncoderConfig,
        inputs: dict[str, Any],
        embeddings: Embeddings,
        packed: bool,
        inside: dict[str, Any],
        attentions: bool,
    ) -> Steps:
        """Embeddings, blocks that see all tokens or a window of them, and a normalisation."""
        choices = config.choices
        dtype, ids = inside["dtype"], inputs["input_ids"]
        mask = AttentionBias(packed=packed, name="attention_bias", dtype=dtype)
        in_blocks = not packed and not attentions
        window = Window(choices.reach, in_blocks=in_blocks, name="window", dtype=dtype)
        bias = mask(inputs["attention_mask"])
        # Once for all layers of a kind.
        context = {
            sees_all: {
                "bias": bias if sees_all else window(ids, bias),
                "rotations": _rotations(config, choices, sees_all, dtype)(ids),
            }
            for sees_all in {choices.sees_all(layer) for layer in range(config.num_hidden_layers)}
        }
        layers = [
            (_block(config, choices, layer, inside), context[choices.sees_all(layer)])
            for layer in range(config.num_hidden_layers)
        ]
        norm = LayerNorm(config.layer_norm_eps, choices.norm_bias, name="final_norm", dtype=dtype)
        return Steps(embeddings(ids, position_ids=inputs.get("position_ids")), layers, norm)


def _rotations(
    config: EncoderConfig, choices: ModernBertChoices, sees_all: bool, dtype: Any
) -> Rotations:
    name = "global_rotations" if sees_all else "local_rotations"
    return Rotations(config.head_size, choices.theta(sees_all), name=name, dtype=dtype)


def _block(
    config: EncoderConfig, choices: ModernBertChoices, layer: int, inside: dict[str, Any]
) -> PreNormBlock:
    return PreNormBlock(
        **block_sizes(config),
        norm_first=layer > 0,
        attention_bias=choices.attention_bias,
        mlp_bias=choices.mlp_bias,
        norm_bias=choices.norm_bias,
        # What many layers add up is to stay of one size.
        output_range=config.initializer_range / math.sqrt(2.0 * config.num_hidden_layers),
        **inside,
        name=f"layer_{layer}",
    )
