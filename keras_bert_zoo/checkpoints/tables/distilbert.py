"""DistilBERT (Sanh et al. 2019): no segments and no pooler."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture
from keras_bert_zoo.checkpoints.rows import block, embeddings, head, predictions
from keras_bert_zoo.checkpoints.tables.bert import ANSWERS, CLASSIFIER, CRF, SKIPPABLE

_BLOCK = {
    "attention/query": "attention.q_lin",
    "attention/key": "attention.k_lin",
    "attention/value": "attention.v_lin",
    "attention/output": "attention.out_lin",
    "attention_norm": "sa_layer_norm",
    "intermediate": "ffn.lin1",
    "output": "ffn.lin2",
    "output_norm": "output_layer_norm",
}
_CLASSES = (*CLASSIFIER, *head("pre_classifier", "classifier_dense"))

DISTILBERT = Architecture(
    name="DistilBert",
    prefix="distilbert.",
    body=(*embeddings(), *block("transformer.layer.{layer}", "encoder/layer_{layer}", _BLOCK)),
    heads={
        "sequence_classification": _CLASSES,
        "token_classification": CLASSIFIER,
        "multiple_choice": _CLASSES,
        "question_answering": ANSWERS,
        "masked_lm": predictions("vocab_transform", "vocab_layer_norm", "vocab_projector.bias"),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies={"vocab_projector.weight": "embeddings.word_embeddings.weight"},
    skippable={**SKIPPABLE, r"vocab_.*": "the head for masked words"},
)
