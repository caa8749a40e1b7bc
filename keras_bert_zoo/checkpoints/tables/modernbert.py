"""ModernBERT (Warner et al. 2024): no positions, one projection for three, one head for all."""

from __future__ import annotations

from keras_bert_zoo.checkpoints.architecture import Architecture, Row
from keras_bert_zoo.checkpoints.rows import block, head, norm, table
from keras_bert_zoo.checkpoints.tables.bert import CLASSIFIER, CRF, SKIPPABLE

_BLOCK = {
    "attention/qkv": "attn.Wqkv",
    "attention/output": "attn.Wo",
    "attention_norm": "attn_norm",
    "intermediate": "mlp.Wi",
    "output": "mlp.Wo",
    "mlp_norm": "mlp_norm",
}
_FEATURES = (
    *head("head.dense", "classifier_dense"),
    *norm("head.norm", "classifier_norm", in_encoder=False),
)
_CLASSES = (*CLASSIFIER, *_FEATURES)

MODERNBERT = Architecture(
    name="ModernBert",
    prefix="model.",
    body=(
        table("embeddings.tok_embeddings", "embeddings/word_embeddings"),
        *norm("embeddings.norm", "embeddings/norm"),
        *block("layers.{layer}", "encoder/layer_{layer}", _BLOCK),
        *norm("final_norm", "encoder/final_norm"),
    ),
    heads={
        "sequence_classification": _CLASSES,
        "token_classification": _CLASSES,
        "multiple_choice": _CLASSES,
        "question_answering": (*head("classifier", "qa_outputs"), *_FEATURES),
        "masked_lm": (
            Row("decoder.bias", "predictions/bias", in_encoder=False),
            *head("head.dense", "predictions/transform"),
            *norm("head.norm", "predictions/norm", in_encoder=False),
        ),
        "sentence_embedding": (),
    },
    additions={"token_classification": {"crf": CRF}},
    copies={"decoder.weight": "embeddings.tok_embeddings.weight"},
    skippable={
        **SKIPPABLE,
        r"head\..*": "the layer before words and classes",
        r"decoder\..*": "the head for masked words",
    },
    parts={
        r"layers\.0\.attn_norm\..*": lambda config: False,  # behind that of the embeddings
        r".*norm\.bias": lambda config: config.choices.norm_bias,
        r".*\.attn\..*\.bias": lambda config: config.choices.attention_bias,
        r".*\.mlp\..*\.bias": lambda config: config.choices.mlp_bias,
        r"head\.dense\.bias": lambda config: config.choices.classifier_bias,
        r"decoder\.bias": lambda config: config.choices.decoder_bias,
    },
)
