"""MPNet (Song et al. 2020): RoBERTa's positions, and numbers for distances in all layers."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.checkpoints.architecture import Row
from keras_bert_zoo.checkpoints.rows import block, embeddings
from keras_bert_zoo.checkpoints.tables.roberta import ROBERTA

_BLOCK = {
    "attention/query": "attention.attn.q",
    "attention/key": "attention.attn.k",
    "attention/value": "attention.attn.v",
    "attention/output": "attention.attn.o",
    "attention_norm": "attention.LayerNorm",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
    "output_norm": "output.LayerNorm",
}

MPNET = dataclasses.replace(
    ROBERTA,
    name="MPNet",
    prefix="mpnet.",
    body=(
        *embeddings(),
        Row("encoder.relative_attention_bias.weight", "relative_positions/table"),
        *block("encoder.layer.{layer}", "encoder/layer_{layer}", _BLOCK),
    ),
)
