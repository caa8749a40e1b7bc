"""Which sentences of a document make up its summary."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import AttentionBias, Linear, SentencePositions
from keras_bert_zoo.models.bert import encoder_block
from keras_bert_zoo.models.class_losses import REDUCTION
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel

# Liu and Lapata tried 1, 2 and 3, and 2 was best (section 3.2).
LAYERS = 2
# Of the curve of `auc`. Few sentences make a summary, so that all chances are low: between the 200
# that Keras takes many would fall.
_THRESHOLDS = 2000


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SentenceCrossEntropy(keras.losses.Loss):
    """Binary cross-entropy of each place, which Keras' own loss averages over a row."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Labels of 0 and 1 and logits ``(B, S)`` to losses ``(B, S)``."""
        return ops.binary_crossentropy(ops.cast(y_true, y_pred.dtype), y_pred, from_logits=True)


@keras.saving.register_keras_serializable("keras_bert_zoo")
class ExtractiveSummarizer(TaskModel):
    """An encoder, layers in which sentences see each other, and one number for each sentence.

    BERTSUMEXT of Liu and Lapata 2019 (arXiv:1908.08345), sections 3.1 and 3.2. A sentence begins
    with ``[CLS]``, whose vector stands for it; where a row's first token stands, there is a
    ``[CLS]``, so no input says where sentences begin. The layers have the encoder's heads,
    widths and activation. The output is a dict with ``logits``, float32 ``(B, S)``, which mean
    something at each ``[CLS]``: a sigmoid of them is the chance that the sentence belongs to the
    summary. Labels are 0 and 1, int ``(B, S)``, with a sample weight of 0 at other tokens; see
    ``data.sentence_rows``.

    Args:
        encoder: an encoder with a ``config``.
        config: the encoder's config; by default ``encoder.config``.
        dtype: dtype policy of the layers; the last one is float32.
    """

    task = "extractive_summarization"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        dtype: Any = None,
        name: str = "extractive_summarizer",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        inputs = inputs_like(encoder)
        ids = inputs["input_ids"]
        starts = ops.cast(ops.equal(ids, ids[:, :1]), "int32")
        # Tokens between the starts go along, unseen: a gather would need to know how many there
        # are, and exported graphs a size that is not fixed.
        bias = AttentionBias(name="sentence_bias", dtype=dtype)(starts)
        positions = SentencePositions(
            config.max_position_embeddings, name="sentence_positions", dtype=dtype
        )
        hidden = positions(encoder(inputs)["last_hidden_state"], starts)
        with keras.name_scope("inter_sentence"):
            for index in range(LAYERS):
                hidden, _ = encoder_block(config, index, {"dtype": dtype})(hidden, bias)
        scores = Linear(
            1, initializer_range=config.initializer_range, dtype="float32", name="classifier"
        )(hidden)
        super().__init__(encoder, config, inputs, {"logits": scores[..., 0]}, name=name, **kwargs)

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """The mean binary cross-entropy of all sentences of a batch."""
        return {"logits": SentenceCrossEntropy(reduction=REDUCTION)}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """How often a sentence of the summary scores above another one."""
        auc = keras.metrics.AUC(_THRESHOLDS, from_logits=True, name="auc")
        return {"logits": [auc]}
