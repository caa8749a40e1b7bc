"""What keras-hub calls the variables and sizes of each architecture, read both ways."""

from __future__ import annotations

import dataclasses

from keras_bert_zoo.checkpoints.keras_hub_places import (
    POSITIONS,
    SEGMENTS,
    TASK,
    Place,
    Preset,
    Spare,
)

# Our layers of a block, and what `TransformerEncoder` of keras-hub calls them in a model.
_LAYERS = {
    "attention/query": "self_attention_layer/query",
    "attention/key": "self_attention_layer/key",
    "attention/value": "self_attention_layer/value",
    "attention/output": "self_attention_layer/attention_output",
    "attention_norm": "self_attention_layer_norm",
    "intermediate": "feedforward_intermediate_dense",
    "output": "feedforward_output_dense",
    "output_norm": "feedforward_layer_norm",
}


def _blocks(
    live: str = "transformer_layer_{index}", kind: str = "transformer_encoder", dense: str = ""
) -> tuple[Place, ...]:
    """The layers of all blocks.

    Args:
        live: name of a block.
        kind: of a block, in files.
        dense: before the names of attention's layers there.
    """
    stored = {
        ours: f"_self_attention_layer/{dense}{ours.removeprefix('attention/')}_dense"
        if ours.startswith("attention/")
        else f"_{theirs}"
        for ours, theirs in _LAYERS.items()
    }
    return tuple(
        Place(
            f"encoder/layer_{{index}}/{ours}/",
            f"{live}/{theirs}/",
            f"{kind}{{count}}/{stored[ours]}",
        )
        for ours, theirs in _LAYERS.items()
    )


_SIZES = {
    "vocab_size": "vocabulary_size",
    "hidden_size": "hidden_dim",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "intermediate_dim",
    "max_position_embeddings": "max_sequence_length",
    "hidden_dropout_prob": "dropout",
}
_FIXED = {"layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}
_CLASSIFIER = {
    "TextClassifier": "sequence_classification",
    "Classifier": "sequence_classification",  # of old releases
}
_EMBEDDER = {"TextEmbedder": "sentence_embedding"}


def _other_norm(epsilon: str) -> dict[str, str]:
    return {
        "MaskedLM": f"its head takes a layer_norm_eps of 1e-5, where its encoder takes {epsilon}: "
        "no config states both"
    }


_WORDS = Place("embeddings/word_embeddings", "token_embedding/embeddings", "reversible_embedding")
_NORM = Place("embeddings/norm/", "embeddings_layer_norm/", "layer_normalization")
_TABLES = (
    _WORDS,
    Place(POSITIONS, "position_embedding/embeddings", "position_embedding"),
    Place(SEGMENTS, "segment_embedding/embeddings", "embedding"),
    _NORM,
)
_ONE_LAYER = (Place("classifier/", "logits/", "dense", TASK),)
_TWO_LAYERS = (
    Place("classifier_dense/", "pooled_dense/", "dense", TASK),
    Place("classifier/", "logits/", "dense_1", TASK),
)


def _joint(layer: str) -> tuple[Place, ...]:
    """The tables of a ``TokenAndPositionEmbedding``, which is called ``layer`` in a model."""
    return tuple(
        Place(ours, f"{layer}/{table}/embeddings", f"token_and_position_embedding/{table}")
        for ours, table in (
            ("embeddings/word_embeddings", "token_embedding"),
            (POSITIONS, "position_embedding"),
        )
    )


BERT = Preset(
    model_type="bert",
    prefix="Bert",
    places=(*_TABLES, *_blocks(), Place("pooler/dense/", "pooled_dense/", "dense"), *_ONE_LAYER),
    sizes={**_SIZES, "type_vocab_size": "num_segments"},
    fixed={**_FIXED, "hidden_act": "gelu_new"},
    heads={**_CLASSIFIER, **_EMBEDDER},
    unlike={
        "MaskedLM": "its head takes exact GELU and a layer_norm_eps of 1e-5, where its encoder "
        "takes the tanh approximation and 1e-12: no config states both"
    },
)

DISTILBERT = Preset(
    model_type="distilbert",
    prefix="DistilBert",
    places=(*_joint("token_and_position_embedding"), _NORM, *_blocks(), *_TWO_LAYERS),
    sizes=_SIZES,
    fixed={**_FIXED, "hidden_act": "gelu", "type_vocab_size": 0},
    heads=_CLASSIFIER,
    unlike=_other_norm("1e-12"),
)

ROBERTA = Preset(
    model_type="roberta",
    prefix="Roberta",
    places=(
        *_joint("embeddings"),
        dataclasses.replace(_joint("embeddings")[1], ours=SEGMENTS),
        _NORM,
        *_blocks(),
        *_TWO_LAYERS,
        *(
            Place(
                f"predictions/{ours}/",
                f"mlm_head/intermediate_{theirs}/",
                f"masked_lm_head/_intermediate_{theirs}",
                TASK,
            )
            for ours, theirs in (("transform", "dense"), ("norm", "layer_norm"))
        ),
        Place("predictions/bias", "mlm_head/output_bias", "masked_lm_head", TASK),
    ),
    sizes=_SIZES,
    fixed={
        **_FIXED,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "type_vocab_size": 1,
        "pad_token_id": 1,
    },
    heads={**_CLASSIFIER, "MaskedLM": "masked_lm"},
)
XLM_ROBERTA = dataclasses.replace(
    ROBERTA,
    model_type="xlm-roberta",
    prefix="XLMRoberta",
    heads={**ROBERTA.heads, **_EMBEDDER},
)

ALBERT = Preset(
    model_type="albert",
    prefix="Albert",
    places=(
        *_TABLES,
        Place("embeddings_project/", "embedding_projection/", "dense"),
        *_blocks("group_{index}_inner_layer_0"),
        Place("pooler/dense/", "pooled_dense/", "dense_1"),
        *_ONE_LAYER,
    ),
    sizes={
        **_SIZES,
        "type_vocab_size": "num_segments",
        "embedding_size": "embedding_dim",
        "num_hidden_groups": "num_groups",
    },
    fixed={**_FIXED, "hidden_act": "gelu_new"},
    heads=_CLASSIFIER,
    unlike=_other_norm("1e-12"),
    alone={"num_inner_repetitions": 1},
)

ELECTRA = Preset(
    model_type="electra",
    prefix="Electra",
    places=(
        *_TABLES,
        Place("embeddings_project/", "embeddings_projection/", "dense"),
        *_blocks(),
    ),
    sizes={
        **_SIZES,
        "vocab_size": "vocab_size",
        "type_vocab_size": "num_segments",
        "embedding_size": "embedding_dim",
    },
    fixed={**_FIXED, "hidden_act": "gelu_new"},
    heads={},
    # The first of its dense layers where there is no projection.
    spare=(
        Spare(
            "pooled_dense/.*",
            r"model/layers/dense(_1)?/.*",
            "a pooler, which ELECTRA was trained without",
        ),
    ),
)

DEBERTA = Preset(
    model_type="deberta-v2",
    prefix="DebertaV3",
    places=(
        _WORDS,
        _NORM,
        *_blocks(
            "disentangled_attention_encoder_layer_{index}", "disentangled_attention_encoder", "_"
        ),
        Place("distances/table", "rel_embedding/rel_embedding", "relative_embedding"),
        Place(
            "distances/norm/",
            "rel_embedding/rel_embeddings_layer_norm/",
            "relative_embedding/layer_norm",
        ),
        *_TWO_LAYERS,
    ),
    sizes={**_SIZES, "position_buckets": "bucket_size"},
    fixed={
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-7,
        "type_vocab_size": 0,
        "relative_attention": True,
        "pos_att_type": "p2c|c2p",
        "max_relative_positions": -1,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
        "pooler_hidden_act": "gelu",
    },
    heads=_CLASSIFIER,
    unlike=_other_norm("1e-7"),
    dropout="pooler_dropout",
)

PRESETS: dict[str, Preset] = {
    preset.model_type: preset
    for preset in (BERT, DISTILBERT, ROBERTA, XLM_ROBERTA, ALBERT, ELECTRA, DEBERTA)
}
# The same by the class of the backbone.
BACKBONES: dict[str, Preset] = {f"{preset.prefix}Backbone": preset for preset in PRESETS.values()}
