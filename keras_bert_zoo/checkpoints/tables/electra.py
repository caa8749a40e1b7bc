"""ELECTRA (Clark et al. 2020): the discriminator, and the generator as ``masked_lm``."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture
from keras_bert_zoo.checkpoints.rows import block, embeddings, head, linear, predictions
from keras_bert_zoo.checkpoints.tables.bert import ANSWERS, CLASSIFIER, CRF, SKIPPABLE

_DETECTOR = "discriminator_predictions"
_GENERATOR = "generator_predictions"

ELECTRA = Architecture(
    name="Electra",
    prefix="electra.",
    body=(
        *embeddings(),
        *linear("embeddings_project", "embeddings_project"),
        *block("encoder.layer.{layer}", "encoder/layer_{layer}"),
    ),
    heads={
        "sequence_classification": (
            *head("classifier.out_proj", "classifier"),
            *head("classifier.dense", "classifier_dense"),
        ),
        "token_classification": CLASSIFIER,
        "question_answering": ANSWERS,
        "masked_lm": predictions(
            f"{_GENERATOR}.dense", f"{_GENERATOR}.LayerNorm", "generator_lm_head.bias"
        ),
        "replaced_tokens": (
            *head(f"{_DETECTOR}.dense", f"{_DETECTOR}/dense"),
            *head(f"{_DETECTOR}.dense_prediction", f"{_DETECTOR}/dense_prediction"),
        ),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies={"generator_lm_head.weight": "embeddings.word_embeddings.weight"},
    aliases={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    skippable={
        **SKIPPABLE,
        rf"{_DETECTOR}\..*": "the head that finds replaced tokens",
        rf"({_GENERATOR}|generator_lm_head)\..*": "the head for masked words",
    },
)
