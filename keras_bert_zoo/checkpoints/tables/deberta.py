"""DeBERTa-v2 and v3 (He et al. 2021): a table of distances; two heads for words."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture
from keras_bert_zoo.checkpoints.rows import BLOCK, block, embeddings, head, norm, predictions, table
from keras_bert_zoo.checkpoints.tables.bert import (
    ANSWERS,
    CLASSIFIER,
    COPIES,
    CRF,
    PREDICTIONS,
    SKIPPABLE,
)

_BLOCK = {
    **BLOCK,
    "attention/query": "attention.self.query_proj",
    "attention/key": "attention.self.key_proj",
    "attention/value": "attention.self.value_proj",
    "attention/distance_key": "attention.self.pos_key_proj",
    "attention/distance_query": "attention.self.pos_query_proj",
}
_WORDS = "lm_predictions.lm_head"
_CLASSES = (*CLASSIFIER, *head("pooler.dense", "classifier_dense"))

DEBERTA = Architecture(
    name="DebertaV2",
    prefix="deberta.",
    body=(
        *embeddings(),
        *block("encoder.layer.{layer}", "encoder/layer_{layer}", _BLOCK),
        table("encoder.rel_embeddings", "distances/table"),
        *norm("encoder.LayerNorm", "distances/norm"),
    ),
    heads={
        "sequence_classification": _CLASSES,
        "token_classification": CLASSIFIER,
        "multiple_choice": _CLASSES,
        "question_answering": ANSWERS,
        "masked_lm": (
            *PREDICTIONS,
            *predictions(f"{_WORDS}.dense", f"{_WORDS}.LayerNorm", f"{_WORDS}.bias"),
        ),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies=COPIES,
    skippable={
        **SKIPPABLE,
        r"pooler\.dense\..*": "what stands before classes",
        r"(cls|lm_predictions|mask_predictions)\..*": "the pretraining heads",
        r"embeddings\.position_embeddings\..*": "positions, which the config does not add",
    },
    parts={
        r"embeddings\.position_embeddings\..*": lambda config: config.choices.position_biased_input,
        r".*\.pos_(key|query)_proj\..*": lambda config: not config.choices.share_att_key,
        r".*\.pos_key_proj\..*": lambda config: "c2p" in config.choices.kinds,
        r".*\.pos_query_proj\..*": lambda config: "p2c" in config.choices.kinds,
        r"encoder\.LayerNorm\..*": lambda config: config.choices.norm_rel_ebd == "layer_norm",
        r"cls\..*": lambda config: config.choices.legacy,
        rf"{_WORDS}\..*": lambda config: not config.choices.legacy,
    },
)
