"""RoBERTa (Liu et al. 2019), and what was trained like it: XLM-R, CamemBERT."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.checkpoints.architecture import Architecture
from keras_bert_zoo.checkpoints.rows import block, embeddings, head, linear, predictions
from keras_bert_zoo.checkpoints.tables.bert import ANSWERS, CLASSIFIER, CRF, SKIPPABLE

ROBERTA = Architecture(
    name="Roberta",
    prefix="roberta.",
    body=(*embeddings(), *block("encoder.layer.{layer}", "encoder/layer_{layer}")),
    pooler=linear("pooler.dense", "pooler/dense"),
    heads={
        "sequence_classification": (
            *head("classifier.out_proj", "classifier"),
            *head("classifier.dense", "classifier_dense"),
        ),
        "token_classification": CLASSIFIER,
        "multiple_choice": CLASSIFIER,
        "question_answering": ANSWERS,
        "masked_lm": predictions("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    pooled=("multiple_choice",),
    copies={
        "lm_head.decoder.weight": "embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    },
    skippable={
        **SKIPPABLE,
        r"lm_head\..*": "the head for masked words",
        r"pooler\.dense\..*": "a pooler, which the task does not use",
    },
)
XLM_ROBERTA = dataclasses.replace(ROBERTA, name="XLMRoberta")
CAMEMBERT = dataclasses.replace(ROBERTA, name="Camembert")
