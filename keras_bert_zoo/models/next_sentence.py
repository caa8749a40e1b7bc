"""Whether a second sentence follows the first."""

from __future__ import annotations

from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel, pooled


@keras.saving.register_keras_serializable("keras_bert_zoo")
class NextSentencePredictor(TaskModel):
    """An encoder with the head for next sentences that it was pretrained with.

    Devlin et al. 2018, section 3.1. The output is a dict with ``logits``, float32 ``(B, 2)``:
    0 for a second text that follows the first, 1 for one from elsewhere.

    Args:
        encoder: an encoder with a ``pooler_output`` and a ``config``.
        config: the encoder's config; by default ``encoder.config``.
        dtype: not used: the linear layer is float32.

    Raises:
        ValueError: the encoder has no pooler.
    """

    task = "next_sentence"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "next_sentence",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        inputs = inputs_like(encoder)
        logits = Linear(
            2, initializer_range=config.initializer_range, dtype="float32", name="seq_relationship"
        )(pooled(encoder, inputs))
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)
