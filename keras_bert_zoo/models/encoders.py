"""The table of encoders."""

from __future__ import annotations

from typing import Any

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models.bert import BertEncoder
from keras_bert_zoo.models.deberta import DebertaEncoder
from keras_bert_zoo.models.encoder import Encoder
from keras_bert_zoo.models.mobilebert import MobileBertEncoder
from keras_bert_zoo.models.modernbert import ModernBertEncoder
from keras_bert_zoo.models.transformer import TransformerEncoder

# Those that have other blocks than BERT, by `model_type`.
ENCODERS: dict[str, type[Encoder]] = {
    "modernbert": ModernBertEncoder,
    "deberta-v2": DebertaEncoder,
    "mobilebert": MobileBertEncoder,
    "marian": TransformerEncoder,
    "pegasus": TransformerEncoder,
}


def encoder_of(config: EncoderConfig, **options: Any) -> Encoder:
    """The encoder of a config's ``model_type``, see ``Encoder`` for the options."""
    return ENCODERS.get(config.model_type, BertEncoder)(config, **options)
