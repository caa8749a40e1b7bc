"""What a classifier sees of a text: one vector, as each architecture was published with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear, activations
from keras_bert_zoo.models.task_model import head_dropout


class Features(NamedTuple):
    """A linear layer on the first token.

    Args:
        activation: behind it.
        drops: whether there is dropout before it too.
    """

    activation: str
    drops: bool


_ROBERTA = Features("tanh", drops=True)
_DISTILBERT = Features("relu", drops=False)
# What `transformers` puts between encoder and classifier, where that is no pooler: task, and
# `model_type`.
FEATURES: Mapping[str, Mapping[str, Features]] = {
    "sequence_classification": {
        "roberta": _ROBERTA,
        "xlm-roberta": _ROBERTA,
        "camembert": _ROBERTA,
        "mpnet": _ROBERTA,
        "electra": Features("gelu", drops=True),
        "distilbert": _DISTILBERT,
    },
    "multiple_choice": {"distilbert": _DISTILBERT},
}


def class_features(
    task: str, encoder: keras.Model, inputs: Mapping[str, Any], config: EncoderConfig, dtype: Any
) -> Any:
    """The vector ``(B, H)``: the pooled output, or that of a linear layer ``classifier_dense``.

    Raises:
        ValueError: it is the pooled output, and the encoder has none, or it is not, and the
            encoder has one, which nothing would train.
    """
    outputs = encoder(dict(inputs))
    features, pooled = FEATURES[task].get(config.model_type), outputs.get("pooler_output")
    if (features is None) == (pooled is None):
        has, wanted = ("no", True) if features is None else ("a", False)
        raise ValueError(
            f"The encoder has {has} pooler_output. Build it with add_pooling_layer={wanted}."
        )
    if features is None:
        return pooled
    first = outputs["last_hidden_state"][:, 0]
    if features.drops:
        rate = head_dropout(config)
        first = keras.layers.Dropout(rate, dtype=dtype, name="classifier_input_dropout")(first)
    dense = Linear(
        config.hidden_size,
        initializer_range=config.initializer_range,
        dtype=dtype,
        name="classifier_dense",
    )
    return activations.get(features.activation)(dense(first))
