"""One prediction per text or pair of texts: classes, labels, or a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.layers import Linear
from keras_bert_zoo.models.class_features import class_features
from keras_bert_zoo.models.class_losses import REDUCTION, MultiLabelLoss, SingleLabelLoss
from keras_bert_zoo.models.named_inputs import inputs_like
from keras_bert_zoo.models.task_model import TaskModel, checked_labels, head_dropout

LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "single_label_classification": SingleLabelLoss,
    "multi_label_classification": MultiLabelLoss,
    "regression": lambda: keras.losses.MeanSquaredError(reduction=REDUCTION),
}
# The metric shown beside the loss; logits above 0 are probabilities above one half.
METRICS: dict[str, Callable[[], keras.metrics.Metric]] = {
    "single_label_classification": lambda: keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
    "multi_label_classification": lambda: keras.metrics.BinaryAccuracy("accuracy", threshold=0.0),
    "regression": lambda: keras.metrics.MeanAbsoluteError("mean_absolute_error"),
}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SequenceClassifier(TaskModel):
    """An encoder with dropout and a linear layer on one vector of a text.

    Devlin et al. 2018, section 4.1. The vector is the pooled output, or what the architecture has
    in its place (``models.class_features``). The output is a dict with ``logits``, float32
    ``(B, num_labels)``; what they mean is ``config.problem_type``:
    ``"single_label_classification"`` (softmax over them), ``"multi_label_classification"``
    (a sigmoid on each) or ``"regression"`` (the values themselves).

    Args:
        encoder: an encoder with a ``config``; with a ``pooler_output`` where that is the vector.
        config: the encoder's config with ``id2label`` and ``problem_type``; by default
            ``encoder.config``.
        loss_options: of ``models.class_losses``: ``label_smoothing``, ``class_weights``,
            ``focal_gamma``; a regression has none.
        dtype: dtype policy of the head's dropout; the linear layer is float32.

    Raises:
        ValueError: the config names no labels, or the encoder has no pooler where one is needed,
            or one where none is.
    """

    task = "sequence_classification"

    def __init__(
        self,
        encoder: keras.Model,
        config: EncoderConfig | None = None,
        *,
        loss_options: Mapping[str, Any] | None = None,
        dtype: Any = None,
        name: str = "sequence_classifier",
        **kwargs: Any,
    ) -> None:
        config = config or encoder.config
        classes = checked_labels(config)
        inputs = inputs_like(encoder)
        hidden = class_features(self.task, encoder, inputs, config, dtype)
        dropout = keras.layers.Dropout(head_dropout(config), dtype=dtype, name="classifier_dropout")
        logits = Linear(
            classes,
            initializer_range=config.initializer_range,
            dtype="float32",
            name="classifier",
        )(dropout(hidden))
        super().__init__(encoder, config, inputs, {"logits": logits}, name=name, **kwargs)
        self.loss_options = dict(loss_options or {})

    def losses_by_output(self) -> dict[str, keras.losses.Loss]:
        """Cross-entropy, binary cross-entropy or squared error, by the problem type."""
        return {"logits": LOSSES[self.problem_type](**self.loss_options)}

    def metrics_by_output(self) -> dict[str, list[keras.metrics.Metric]]:
        """Accuracy, or the mean absolute error."""
        return {"logits": [METRICS[self.problem_type]()]}

    @property
    def problem_type(self) -> str:
        """What the logits mean, one of ``config.PROBLEM_TYPES``."""
        # What `transformers` takes an open problem type to mean.
        default = "regression" if self.config.num_labels == 1 else "single_label_classification"
        return self.config.problem_type or default

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """The loss of one batch; NaN where a label is no class.

        Raises:
            ValueError: the labels are not those of the problem type. Keras would take 1.7
                for class 1, and stretch one column over all.
        """
        self._check_labels(y)
        return super().compute_loss(x, y, y_pred, *args, **kwargs)

    def compute_metrics(self, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        """The metrics of one batch; raises as ``compute_loss``."""
        self._check_labels(y)
        return super().compute_metrics(x, y, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "loss_options": self.loss_options}

    def _check_labels(self, y: Any) -> None:
        if not self.checks_labels or y is None:
            return
        labels = y["logits"] if isinstance(y, dict) else y
        one_class = self.problem_type == "single_label_classification"
        kind, width = ("integers", 1) if one_class else ("numbers", len(self.config.labels))
        dtype = keras.backend.standardize_dtype(labels.dtype)
        if not _has_width(labels.shape, width) or (one_class and "int" not in dtype):
            shape = "(batch)" if width == 1 else f"(batch, {width})"
            raise ValueError(
                f"labels must be {kind} of shape {shape} for {self.problem_type} with "
                f"{self.config.num_labels} labels, received {dtype} of shape "
                f"{tuple(labels.shape)}. `data.labels.encode_labels` makes them."
            )


def _has_width(shape: Any, width: int) -> bool:
    """Whether labels of a shape, as far as it is known, hold ``width`` numbers a row."""
    if getattr(shape, "rank", 0) is None:  # TensorFlow's shape of anything
        return True
    row = tuple(shape[1:])
    return row in [(width,), (None,)] or (row == () and width == 1)
