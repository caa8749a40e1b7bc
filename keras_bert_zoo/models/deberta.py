"""DeBERTa-v2 and v3 (He et al. 2021, arXiv:2111.09543) as a functional ``keras.Model``."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import AttentionBias, DisentangledBlock, Distances, Embeddings
from keras_bert_zoo.models.bert import block_sizes
from keras_bert_zoo.models.encoder import Encoder, Steps


@keras.saving.register_keras_serializable("keras_bert_zoo")
class DebertaEncoder(Encoder):
    """DeBERTa without a task head, see ``Encoder``."""

    called = "deberta"

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Words and segments, and positions where the config adds them."""
        added = config.choices.position_biased_input
        return {"position_embedding_type": "absolute" if added else None}

    @staticmethod
    def steps(
        config: EncoderConfig,
        inputs: dict[str, Any],
        embeddings: Embeddings,
        packed: bool,
        inside: dict[str, Any],
        attentions: bool,
    ) -> Steps:
        """Embeddings, and blocks that know distances."""
        choices = config.choices
        further = {k: inputs[k] for k in ("token_type_ids", "position_ids") if k in inputs}
        embedded = embeddings(inputs["input_ids"], **further)
        mask = AttentionBias(packed=packed, name="attention_bias", dtype=inside["dtype"])
        # Once for all layers.
        context = {
            "bias": mask(inputs["attention_mask"]),
            "distances": _distances(config, inside["dtype"])(inputs["input_ids"]),
        }
        blocks = (
            DisentangledBlock(
                kinds=sorted(choices.kinds),
                shared=choices.share_att_key,
                **block_sizes(config),
                **inside,
                name=f"layer_{layer}",
            )
            for layer in range(config.num_hidden_layers)
        )
        layers = [(block, context) for block in blocks]
        return Steps(embedded, layers)


def _distances(config: EncoderConfig, dtype: Any) -> Distances:
    choices = config.choices
    return Distances(
        hidden_size=config.hidden_size,
        max_tokens=config.max_tokens,
        span=choices.span(config),
        farthest=choices.farthest(config),
        grow=choices.position_buckets > 0,
        normalise=choices.norm_rel_ebd == "layer_norm",
        epsilon=config.layer_norm_eps,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="distances",
    )
