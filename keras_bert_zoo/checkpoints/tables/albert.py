"""ALBERT (Lan et al. 2019): narrow tables, and one block for all layers."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture
from keras_bert_zoo.checkpoints.rows import block, embeddings, head, linear, predictions
from keras_bert_zoo.checkpoints.tables.bert import ANSWERS, CLASSIFIER, CRF, SKIPPABLE

_BLOCK = {
    "attention/query": "attention.query",
    "attention/key": "attention.key",
    "attention/value": "attention.value",
    "attention/output": "attention.dense",
    "attention_norm": "attention.LayerNorm",
    "intermediate": "ffn",
    "output": "ffn_output",
    "output_norm": "full_layer_layer_norm",
}
_PREDICTIONS = predictions("predictions.dense", "predictions.LayerNorm", "predictions.bias")
# Which of two texts came first (section 3.1).
_ORDER = head("sop_classifier.classifier", "seq_relationship")

ALBERT = Architecture(
    name="Albert",
    prefix="albert.",
    body=(
        *embeddings(),
        *linear("encoder.embedding_hidden_mapping_in", "embeddings_project"),
        *block(
            "encoder.albert_layer_groups.{layer}.albert_layers.0", "encoder/layer_{layer}", _BLOCK
        ),
    ),
    pooler=linear("pooler", "pooler/dense"),
    heads={
        "sequence_classification": CLASSIFIER,
        "token_classification": CLASSIFIER,
        "multiple_choice": CLASSIFIER,
        "question_answering": ANSWERS,
        "masked_lm": _PREDICTIONS,
        "pretraining": (*_PREDICTIONS, *_ORDER),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies={
        "predictions.decoder.weight": "embeddings.word_embeddings.weight",
        "predictions.decoder.bias": "predictions.bias",
    },
    skippable={
        **SKIPPABLE,
        r"(predictions|sop_classifier)\..*": "the pretraining heads",
        r"pooler\..*": "a pooler, which the task does not use",
    },
)
