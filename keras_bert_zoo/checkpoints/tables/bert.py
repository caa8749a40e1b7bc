"""BERT (Devlin et al. 2018)."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture, Row
from keras_bert_zoo.checkpoints.rows import block, embeddings, head, linear, predictions

PREDICTIONS = predictions(
    "cls.predictions.transform.dense",
    "cls.predictions.transform.LayerNorm",
    "cls.predictions.bias",
)
FOLLOWING = head("cls.seq_relationship", "seq_relationship")
CLASSIFIER = head("classifier", "classifier")
ANSWERS = head("qa_outputs", "qa_outputs")
# As PyTorch-CRF calls them.
CRF = (
    Row("crf.transitions", "crf/transitions", in_encoder=False),
    Row("crf.start_transitions", "crf/start", in_encoder=False),
    Row("crf.end_transitions", "crf/end", in_encoder=False),
)
# The names are ours: `transformers` has no such head.
BETWEEN_SENTENCES = (
    *block("inter_sentence.layer.0", "inter_sentence/layer_0", in_encoder=False),
    *block("inter_sentence.layer.1", "inter_sentence/layer_1", in_encoder=False),
)
# The decoder's weight is the word table, which `transformers` stores once or twice.
COPIES = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
# What may be left unread of a checkpoint of any architecture, and what it is.
SKIPPABLE = {
    r"embeddings\.position_ids": "a buffer that counts 0, 1, 2, …",
    r"(pre_)?classifier\..*": "a classification head",
    r"crf\..*": "which tags of words follow each other",
    r"inter_sentence\..*": "the layers between sentences of a head that summarises",
    r"qa_outputs\..*": "a question-answering head",
}

BERT = Architecture(
    name="Bert",
    prefix="bert.",
    body=(*embeddings(), *block("encoder.layer.{layer}", "encoder/layer_{layer}")),
    pooler=linear("pooler.dense", "pooler/dense"),
    heads={
        "sequence_classification": CLASSIFIER,
        "token_classification": CLASSIFIER,
        "multiple_choice": CLASSIFIER,
        "extractive_summarization": (*BETWEEN_SENTENCES, *CLASSIFIER),
        "question_answering": ANSWERS,
        "masked_lm": PREDICTIONS,
        "next_sentence": FOLLOWING,
        "pretraining": (*PREDICTIONS, *FOLLOWING),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies=COPIES,
    aliases={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    skippable={
        **SKIPPABLE,
        r"cls\..*": "the pretraining heads",
        r"pooler\.dense\..*": "a pooler, which the task does not use",
    },
)
