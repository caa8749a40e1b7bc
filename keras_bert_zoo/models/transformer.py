"""The encoder of the Transformer (Vaswani et al. 2017, arXiv:1706.03762), section 3.

As Marian has it, and, normalised before each sub-layer, Pegasus.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import AttentionBias, Embeddings, EncoderBlock, LayerNorm
from keras_bert_zoo.models.bert import block_sizes
from keras_bert_zoo.models.encoder import Encoder, Steps


@keras.saving.register_keras_serializable("keras_bert_zoo")
class TransformerEncoder(Encoder):
    """The encoder without a decoder, see ``Encoder``."""

    called = "transformer"

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Words and fixed positions, not normalised."""
        return {
            "position_embedding_type": config.position_embedding_type,
            **config.choices.embeddings(config),
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
        """Embeddings, blocks, and a normalisation where blocks do not end with one."""
        dtype, norm_first = inside["dtype"], config.choices.norm_first
        mask = AttentionBias(packed=packed, name="attention_bias", dtype=dtype)
        context = {"bias": mask(inputs["attention_mask"])}
        blocks = [
            EncoderBlock(
                **block_sizes(config), norm_first=norm_first, **inside, name=f"layer_{index}"
            )
            for index in range(config.num_hidden_layers)
        ]
        embedded = embeddings(inputs["input_ids"], position_ids=inputs.get("position_ids"))
        layers = [(block, context) for block in blocks]
        if not norm_first:
            return Steps(embedded, layers)
        norm = LayerNorm(config.layer_norm_eps, name="final_norm", dtype=dtype)
        return Steps(embedded, layers, norm)
