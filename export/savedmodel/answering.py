"""What signatures that answer to strings have in common. TensorFlow only.

Places are Unicode characters of the text, as in the Python answers of ``keras_bert_zoo.tasks``,
with which ``verify`` compares what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo.tasks.predictor import task_of

from ..signature import BATCH, TensorSpec

Tensors = dict[str, tf.Tensor]


def text_input(name: str, *axes: str) -> TensorSpec:
    """A string for each text, or with further axes several."""
    return TensorSpec(name, "string", (BATCH, *axes))


class Answering:
    """A bundle's tokenizer and task in front of its graph.

    Args:
        bundle: with a tokenizer.
        forward: the graph as a concrete function, int32 ``(B, S)`` by name.
    """

    name = "serving_default"
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __init__(self, bundle: Any, forward: Callable[..., Tensors]) -> None:
        self.forward, self.tokenizer = forward, bundle.tokenizer
        self.task: Any = task_of(bundle.model.task, bundle.config, bundle.tokenizer)
        self.max_length, self.options = self.task.settings.max_length, self.task.options

    def encoded(self, *texts: tf.Tensor) -> Tensors:
        """Rows of ids, cut to the length of the training."""
        return self.tokenizer(*texts, truncation=True, max_length=self.max_length, padding=True)

    @staticmethod
    def whole(examples: Any, rows: Any) -> np.ndarray:
        """Which examples the signature answers as the task does."""
        return np.ones(len(examples), bool)

    @staticmethod
    def arrays(answers: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Answers of the task as the signature returns them."""
        return {name: column([answer[name] for answer in answers]) for name in answers[0]}


def cut(text: tf.Tensor, start: Any, end: tf.Tensor) -> tf.Tensor:
    """From one character to before another, ``(B,)``."""
    start = tf.zeros_like(end) + start
    return tf.strings.substr(text, start, end - start, unit="UTF8_CHAR")


def column(values: Sequence[Any]) -> np.ndarray:
    """A value for each text; strings as objects."""
    return np.array(values, object if values and isinstance(values[0], str) else None)


def table(rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """Lists of different lengths, filled with nothing."""
    inner = next((np.shape(value) for row in rows for value in row), ())
    kind = np.array([value for row in rows for value in row])
    table = np.zeros((len(rows), max(map(len, rows), default=0), *inner), kind.dtype)
    if kind.dtype.kind == "U":
        table = np.full(table.shape, "", object)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table
