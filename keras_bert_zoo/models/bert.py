"""BERT (Devlin et al. 2018, arXiv:1810.04805) as a functional ``keras.Model``.

And what has its blocks, each normalised after its sub-layers: RoBERTa, XLM-R, CamemBERT, ELECTRA,
DistilBERT, ALBERT, MPNet. What tells them apart is in ``EncoderConfig``.
"""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import AttentionBias, Embeddings, EncoderBlock, RelativePositions
from keras_bert_zoo.models.encoder import Encoder, Steps


@keras.saving.register_keras_serializable("keras_bert_zoo")
class BertEncoder(Encoder):
    """BERT without a task head, see ``Encoder``.

    Example:
        >>> config = EncoderConfig(
        ...     vocab_size=100, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        ...     intermediate_size=32, max_position_embeddings=64)
        >>> encoder = BertEncoder(config)
        >>> ids = np.array([[2, 5, 6, 3]], "int32")
        >>> outputs = encoder({
        ...     "input_ids": ids, "attention_mask": np.ones_like(ids),
        ...     "token_type_ids": np.zeros_like(ids)})
        >>> tuple(outputs["last_hidden_state"].shape)
        (1, 4, 16)
    """

    has_pooler = True
    called = "bert"

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Words, positions and segments."""
        return {
            "padding": config.pad_token_id if config.position_offset else None,
            "position_embedding_type": config.position_embedding_type,
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
        """Embeddings, and blocks that may be those of several layers."""
        dtype = inside["dtype"]
        blocks = [encoder_block(config, index, inside) for index in range(config.groups)]
        layers_of_a_block = config.num_hidden_layers // config.groups
        further = {k: inputs[k] for k in ("token_type_ids", "position_ids") if k in inputs}
        embedded = embeddings(inputs["input_ids"], **further)
        bias = AttentionBias(packed=packed, name="attention_bias", dtype=dtype)(
            inputs["attention_mask"]
        )
        if buckets := config.relative_attention_num_buckets:
            bias = _distances(config, buckets, dtype)(inputs["input_ids"], bias)
        return Steps(
            embedded,
            [
                (blocks[layer // layers_of_a_block], {"bias": bias})
                for layer in range(config.num_hidden_layers)
            ],
        )


def _distances(config: EncoderConfig, buckets: int, dtype: Any) -> RelativePositions:
    return RelativePositions(
        config.num_attention_heads,
        buckets,
        config.max_tokens,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="relative_positions",
    )


def encoder_block(config: EncoderConfig, index: int, options: dict[str, Any]) -> EncoderBlock:
    """A block of the sizes that a config states, by the name ``layer_`` and its index."""
    return EncoderBlock(**block_sizes(config), **options, name=f"layer_{index}")


def block_sizes(config: EncoderConfig) -> dict[str, Any]:
    """What of a config makes an ``EncoderBlock``."""
    return {
        "num_heads": config.num_attention_heads,
        "head_size": config.head_size,
        "intermediate_size": config.intermediate_size,
        "activation": config.hidden_act,
        "dropout": config.hidden_dropout_prob,
        "attention_dropout": config.attention_probs_dropout_prob,
        "epsilon": config.layer_norm_eps,
        "initializer_range": config.initializer_range,
    }
