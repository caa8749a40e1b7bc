"""MobileBERT (Sun et al. 2020, arXiv:2004.02984) as a functional ``keras.Model``."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import AttentionBias, BottleneckBlock, Embeddings, TrigramEmbeddings
from keras_bert_zoo.models.bert import block_sizes
from keras_bert_zoo.models.encoder import Encoder, Steps

# Of two normalisations; PyTorch's, where `transformers` does not pass on the config's. It matters
# with layer_norm only.
_EPSILON = 1e-5


@keras.saving.register_keras_serializable("keras_bert_zoo")
class MobileBertEncoder(Encoder):
    """MobileBERT without a task head, see ``Encoder``.

    A word sees its neighbours before any attention, padding among them: the last token of a text
    has other numbers in a padded row than in one that ends with it.
    """

    has_pooler = True
    called = "mobilebert"
    embeds_with = TrigramEmbeddings

    @staticmethod
    def embedding_choices(config: EncoderConfig) -> dict[str, Any]:
        """Narrow words with their neighbours, positions and segments."""
        choices = config.choices
        return {
            "hidden_size": config.hidden_size,
            "word_size": config.table_width,
            "neighbours": choices.trigram_input,
            "position_embedding_type": config.position_embedding_type,
            "normalization_type": choices.normalization_type,
            "epsilon": _EPSILON,
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
        """Embeddings, and blocks with bottlenecks."""
        further = {k: inputs[k] for k in ("token_type_ids", "position_ids") if k in inputs}
        documents = {"documents": inputs["attention_mask"]} if packed else {}
        mask = AttentionBias(packed=packed, name="attention_bias", dtype=inside["dtype"])
        bias = mask(inputs["attention_mask"])
        blocks = [_block(config, layer, inside) for layer in range(config.num_hidden_layers)]
        embedded = embeddings(inputs["input_ids"], **further, **documents)
        return Steps(embedded, [(block, {"bias": bias}) for block in blocks])


def _block(config: EncoderConfig, layer: int, inside: dict[str, Any]) -> BottleneckBlock:
    choices = config.choices
    sizes = {
        **block_sizes(config),
        "head_size": choices.width(config) // config.num_attention_heads,
        "hidden_size": config.hidden_size,
        "networks": choices.num_feedforward_networks,
        "bottleneck": choices.use_bottleneck,
        "compares_apart": choices.compares_apart,
        "normalization_type": choices.normalization_type,
        "output_epsilon": _EPSILON,
    }
    return BottleneckBlock(**sizes, **inside, name=f"layer_{layer}")
