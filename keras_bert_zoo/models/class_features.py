"""What classifiers see of a text or a token, as each architecture was published with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import LayerNorm, Linear, SentencePooling, activations
from keras_bert_zoo.models.named_inputs import first_token
from keras_bert_zoo.models.task_model import head_dropout

# From hidden states ``(B, S, H)`` and their mask, as the config says, in a dtype policy.
Features = Callable[[Any, Any, EncoderConfig, Any], Any]


def _dense(x: Any, config: EncoderConfig, dtype: Any, use_bias: bool = True) -> Any:
    return Linear(
        config.hidden_size,
        initializer_range=config.initializer_range,
        use_bias=use_bias,
        dtype=dtype,
        name="classifier_dense",
    )(x)


def _first(activation: str, *, drops: bool) -> Features:
    """A linear layer on the first token, with or without dropout before it too."""

    def features(hidden: Any, mask: Any, config: EncoderConfig, dtype: Any) -> Any:
        first = hidden[:, 0]
        if drops:
            rate = head_dropout(config)
            first = keras.layers.Dropout(rate, dtype=dtype, name="classifier_input_dropout")(first)
        return activations.get(activation)(_dense(first, config, dtype))

    return features


def _deberta(hidden: Any, mask: Any, config: EncoderConfig, dtype: Any) -> Any:
    """DeBERTa's context pooler."""
    choices = config.choices
    drop = keras.layers.Dropout(
        choices.pooler_dropout, dtype=dtype, name="classifier_input_dropout"
    )
    dense = _dense(drop(hidden[:, 0]), config, dtype)
    return activations.get(choices.pooler_hidden_act)(dense)


def _modernbert_token(hidden: Any, mask: Any, config: EncoderConfig, dtype: Any) -> Any:
    """ModernBERT's head for words, without the words: of a token, or of a pooled text."""
    choices = config.choices
    dense = _dense(hidden, config, dtype, choices.classifier_bias)
    norm = LayerNorm(config.layer_norm_eps, choices.norm_bias, dtype=dtype, name="classifier_norm")
    return norm(activations.get(choices.classifier_activation)(dense))


def _modernbert_text(hidden: Any, mask: Any, config: EncoderConfig, dtype: Any) -> Any:
    choices = config.choices
    pooling = SentencePooling(choices.classifier_pooling, dtype=dtype, name="classifier_pooling")
    return _modernbert_token(pooling(hidden, mask), mask, config, dtype)


def _modernbert_answer(hidden: Any, mask: Any, config: EncoderConfig, dtype: Any) -> Any:
    dropout = keras.layers.Dropout(head_dropout(config), dtype=dtype, name="classifier_dropout")
    return dropout(_modernbert_token(hidden, mask, config, dtype))


_ROBERTA = _first("tanh", drops=True)
_DISTILBERT = _first("relu", drops=False)
# What is made of more than the first token.
_OF_ALL_TOKENS = (_modernbert_text,)
# What `transformers` puts between encoder and classifier, where that is not the pooler, or of
# tokens not nothing: task, and `model_type`.
FEATURES: Mapping[str, Mapping[str, Features]] = {
    "sequence_classification": {
        "roberta": _ROBERTA,
        "xlm-roberta": _ROBERTA,
        "camembert": _ROBERTA,
        "mpnet": _ROBERTA,
        "electra": _first("gelu", drops=True),
        "distilbert": _DISTILBERT,
        "modernbert": _modernbert_text,
        "deberta-v2": _deberta,
    },
    "multiple_choice": {
        "distilbert": _DISTILBERT,
        "modernbert": _modernbert_text,
        "deberta-v2": _deberta,
    },
    "token_classification": {"modernbert": _modernbert_token},
    "question_answering": {"modernbert": _modernbert_answer},
}


def class_features(
    task: str, encoder: keras.Model, inputs: Mapping[str, Any], config: EncoderConfig, dtype: Any
) -> Any:
    """The vector of a text, ``(B, H)``: the pooled output, or what the architecture has for it.

    Raises:
        ValueError: it is the pooled output, and the encoder has none, or it is not, and the
            encoder has one, which nothing would train.
    """
    features = FEATURES[task].get(config.model_type)
    inputs = dict(inputs)
    outputs = encoder(inputs) if features in _OF_ALL_TOKENS else first_token(encoder, inputs)
    pooled = outputs.get("pooler_output")
    if (features is None) == (pooled is None):
        has, wanted = ("no", True) if features is None else ("a", False)
        raise ValueError(
            f"The encoder has {has} pooler_output. Build it with add_pooling_layer={wanted}."
        )
    if features is None:
        return pooled
    return features(outputs["last_hidden_state"], inputs["attention_mask"], config, dtype)


def token_features(
    task: str, encoder: keras.Model, inputs: Mapping[str, Any], config: EncoderConfig, dtype: Any
) -> Any:
    """The vectors of tokens, ``(B, S, H)``: the hidden states, or what is made of them."""
    hidden = encoder(dict(inputs))["last_hidden_state"]
    features = FEATURES[task].get(config.model_type)
    return features(hidden, inputs["attention_mask"], config, dtype) if features else hidden
