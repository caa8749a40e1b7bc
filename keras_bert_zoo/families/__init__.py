"""How each ``model_type`` says what it is: the names and defaults of its ``config.json``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.families.choices import Choices
from keras_bert_zoo.families.deberta import DebertaChoices
from keras_bert_zoo.families.generators import Gpt2Choices, MarianChoices, PegasusChoices
from keras_bert_zoo.families.mobilebert import MobileBertChoices
from keras_bert_zoo.families.modernbert import ModernBertChoices

__all__ = [
    "FAMILIES",
    "Choices",
    "DebertaChoices",
    "Family",
    "Gpt2Choices",
    "MarianChoices",
    "MobileBertChoices",
    "ModernBertChoices",
    "PegasusChoices",
    "family",
]


@dataclasses.dataclass(frozen=True)
class Family:
    """One row of the table.

    Args:
        keys: our field by the family's own name for it.
        defaults: of fields that files of the family may leave out.
        counts_tokens: whether positions count the tokens that are no padding, from
            ``pad_token_id + 1`` on, instead of the places of a row from 0: fairseq's, of
            which the table has as many rows more.
        words: activation of the transform before the words, where it is not ``hidden_act``.
        widening: ``intermediate_size`` in hidden sizes, where files leave it out.
        writes: whether it is a decoder, whether or not files say so.
        choices: what its files say besides.
    """

    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    counts_tokens: bool = False
    words: str | None = None
    widening: int | None = None
    writes: bool = False
    choices: type[Choices] = Choices


_ROBERTA = Family(
    defaults={"pad_token_id": 1, "type_vocab_size": 1}, counts_tokens=True, words="gelu"
)

_TRANSFORMER = Family(
    keys={
        "d_model": "hidden_size",
        "activation_function": "hidden_act",
        "dropout": "hidden_dropout_prob",
        "attention_dropout": "attention_probs_dropout_prob",
        "init_std": "initializer_range",
    },
    defaults={
        "type_vocab_size": 0,
        "layer_norm_eps": 1e-5,
        "attention_probs_dropout_prob": 0.0,
        "position_embedding_type": "halved_sinusoidal",
    },
    choices=MarianChoices,
)

FAMILIES: Mapping[str, Family] = {
    "bert": Family(),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": dataclasses.replace(
        _ROBERTA,
        defaults={"pad_token_id": 1, "type_vocab_size": 0, "relative_attention_num_buckets": 32},
    ),
    "electra": Family(defaults={"embedding_size": 128}, words="gelu"),
    "distilbert": Family(
        keys={
            "dim": "hidden_size",
            "n_layers": "num_hidden_layers",
            "n_heads": "num_attention_heads",
            "hidden_dim": "intermediate_size",
            "activation": "hidden_act",
            "dropout": "hidden_dropout_prob",
            "attention_dropout": "attention_probs_dropout_prob",
            "seq_classif_dropout": "classifier_dropout",
        },
        defaults={"type_vocab_size": 0, "classifier_dropout": 0.2},
    ),
    "albert": Family(
        keys={"classifier_dropout_prob": "classifier_dropout"},
        defaults={
            "embedding_size": 128,
            "num_hidden_groups": 1,
            "hidden_act": "gelu_new",
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "classifier_dropout": 0.1,
        },
    ),
    "modernbert": Family(
        keys={
            "hidden_activation": "hidden_act",
            "norm_eps": "layer_norm_eps",
            "attention_dropout": "attention_probs_dropout_prob",
            "mlp_dropout": "hidden_dropout_prob",
        },
        defaults={
            "type_vocab_size": 0,
            "layer_norm_eps": 1e-5,
            "attention_probs_dropout_prob": 0.0,
            "hidden_dropout_prob": 0.0,
            "classifier_dropout": 0.0,
        },
        choices=ModernBertChoices,
    ),
    "deberta-v2": Family(
        keys={"cls_dropout": "classifier_dropout"},
        defaults={"type_vocab_size": 0, "layer_norm_eps": 1e-7},
        choices=DebertaChoices,
    ),
    "gpt2": Family(
        keys={
            "n_embd": "hidden_size",
            "n_layer": "num_hidden_layers",
            "n_head": "num_attention_heads",
            "n_positions": "max_position_embeddings",
            "n_inner": "intermediate_size",
            "activation_function": "hidden_act",
            "resid_pdrop": "hidden_dropout_prob",
            "attn_pdrop": "attention_probs_dropout_prob",
            "layer_norm_epsilon": "layer_norm_eps",
        },
        defaults={"type_vocab_size": 0, "layer_norm_eps": 1e-5, "hidden_act": "gelu_new"},
        widening=4,
        writes=True,
        choices=Gpt2Choices,
    ),
    "marian": _TRANSFORMER,
    "pegasus": dataclasses.replace(_TRANSFORMER, choices=PegasusChoices),
    "mobilebert": Family(
        defaults={"embedding_size": 128, "hidden_act": "relu", "hidden_dropout_prob": 0.0},
        choices=MobileBertChoices,
    ),
}


def family(model_type: object) -> Family:
    """The row of a ``model_type``; of an unknown one, BERT's names and no defaults."""
    return FAMILIES.get(model_type, Family()) if isinstance(model_type, str) else Family()
