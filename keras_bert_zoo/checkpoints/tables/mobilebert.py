"""MobileBERT (Sun et al. 2020): bottlenecks, several feed-forward layers, words in two tables."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture, Row
from keras_bert_zoo.checkpoints.rows import block, embeddings, linear
from keras_bert_zoo.checkpoints.tables.bert import (
    ANSWERS,
    CLASSIFIER,
    COPIES,
    CRF,
    FOLLOWING,
    PREDICTIONS,
    SKIPPABLE,
)

_BLOCK = {
    "bottleneck_input/dense": "bottleneck.input.dense",
    "bottleneck_input/norm": "bottleneck.input.LayerNorm",
    "bottleneck_attention/dense": "bottleneck.attention.dense",
    "bottleneck_attention/norm": "bottleneck.attention.LayerNorm",
    "attention/query": "attention.self.query",
    "attention/key": "attention.self.key",
    "attention/value": "attention.self.value",
    "attention/output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "ffn_{network}/intermediate": "ffn.{network}.intermediate.dense",
    "ffn_{network}/output/dense": "ffn.{network}.output.dense",
    "ffn_{network}/output/norm": "ffn.{network}.output.LayerNorm",
    "ffn/intermediate": "intermediate.dense",
    "ffn/output/dense": "output.dense",
    "ffn/output/norm": "output.LayerNorm",
    "bottleneck_output/dense": "output.bottleneck.dense",
    "bottleneck_output/norm": "output.bottleneck.LayerNorm",
}
_WORDS = (
    *PREDICTIONS,
    # Kernels lie transposed, and so does this table.
    Row("cls.predictions.dense.weight", "predictions/further_words", True, in_encoder=False),
)

MOBILEBERT = Architecture(
    name="MobileBert",
    prefix="mobilebert.",
    body=(
        *embeddings(),
        *linear("embeddings.embedding_transformation", "embeddings/transform"),
        *block("encoder.layer.{layer}", "encoder/layer_{layer}", _BLOCK),
    ),
    pooler=linear("pooler.dense", "pooler/dense"),
    heads={
        "sequence_classification": CLASSIFIER,
        "token_classification": CLASSIFIER,
        "multiple_choice": CLASSIFIER,
        "question_answering": ANSWERS,
        "masked_lm": _WORDS,
        "next_sentence": FOLLOWING,
        "pretraining": (*_WORDS, *FOLLOWING),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies=COPIES,
    skippable={
        **SKIPPABLE,
        r"cls\..*": "the pretraining heads",
        r"pooler\.dense\..*": "a pooler, which the task or the config does not use",
        r"encoder\.layer\.\d+\.bottleneck\.attention\..*": "a bottleneck that nothing uses",
    },
    parts={
        r"encoder\..*\.bottleneck\..*": lambda config: config.choices.use_bottleneck,
        r"encoder\..*\.bottleneck\.attention\..*": lambda config: config.choices.compares_apart,
        r"pooler\.dense\..*": lambda config: config.choices.classifier_activation,
    },
)
