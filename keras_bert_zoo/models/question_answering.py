"""Where in a text the answer to a question begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear
from keras_bert_zoo.models.class_features import token_features
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel

START, END = "start_logits", "end_logits"


@keras.saving.register_keras_serializable("keras_bert_zoo")
class QuestionAnswerer(TaskModel):
    """An encoder with two numbers for each token: how well an answer begins and ends there.

    Devlin et al. 2018, sections 4.2 and 4.3. Outputs are ``start_logits`` and
    ``end_logits``, float32 ``(B, S)``. Labels are the places of the first and the last token
    of the answer, int ``(B,)`` by the same names; 0, ``[CLS]``, where there is none.

    Args:
        encoder: an encoder with a ``config``.
        config: the encoder's config; by default ``encoder.config``.
        dtype: dtype policy of what an architecture has before the linear layer, which is float32.
    """

    task = "question_answering"
    loss_weights: ClassVar[Mapping[str, float]] = {START: 0.5, END: 0.5}

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "question_answerer",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        inputs = inputs_like(encoder)
        hidden = token_features(self.task, encoder, inputs, config, dtype)
        logits = Linear(
            2, initializer_range=config.initializer_range, dtype="float32", name="qa_outputs"
        )(hidden)
        outputs = {START: logits[..., 0], END: logits[..., 1]}
        super().__init__(encoder, config, inputs, outputs, name=name, **kwargs)
