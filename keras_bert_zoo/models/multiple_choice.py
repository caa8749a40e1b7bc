"""Which of several texts goes best with a first one."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear, RowsToSets, SetsToRows
from keras_bert_zoo.layers.attention import MASKED
from keras_bert_zoo.models.class_features import class_features
from keras_bert_zoo.models.task_model import TaskModel, head_dropout


@keras.saving.register_keras_serializable("keras_bert_zoo")
class MultipleChoice(TaskModel):
    """An encoder with one number for each choice; a softmax over them.

    Devlin et al. 2018, section 4.4. Inputs are int32 ``(B, C, S)``: a row for each choice,
    the first text and the choice as a pair, or none of whose tokens exist where a text has fewer
    choices: that one is never chosen. The output is a dict with ``logits``, float32 ``(B, C)``;
    labels are int ``(B,)``.

    Args:
        encoder: an encoder with a ``config``, and of most architectures a ``pooler_output``.
        config: the encoder's config; by default ``encoder.config``.
        dtype: dtype policy of the head's dropout; the linear layer is float32.

    Attributes:
        rows: in the graph, the inputs of the encoder by name, ``(B * C, S)``.
        scores: what it finds for them, ``(B * C, 1)``.

    Raises:
        ValueError: the encoder has no pooler and should, or has one and should not.
    """

    task = "multiple_choice"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "multiple_choice",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        inputs = {
            key: keras.Input((None, None), dtype=x.dtype, name=key)
            for key, x in encoder.input.items()
        }
        join = SetsToRows(dtype=dtype, name="choices_to_rows")
        rows = {key: join(x) for key, x in inputs.items()}
        vector = class_features(self.task, encoder, rows, config, dtype)
        dropout = keras.layers.Dropout(head_dropout(config), dtype=dtype, name="classifier_dropout")
        scores = Linear(
            1, initializer_range=config.initializer_range, dtype="float32", name="classifier"
        )(dropout(vector))
        split = RowsToSets(dtype="float32", name="rows_to_choices")
        exists = ops.max(inputs["attention_mask"], axis=-1) > 0
        logits = ops.where(exists, split(scores, inputs["input_ids"])[..., 0], MASKED)
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)
        self.rows, self.scores = rows, scores
