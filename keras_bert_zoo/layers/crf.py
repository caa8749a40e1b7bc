"""A conditional random field over the labels of a sequence.

Lafferty et al. 2001; with an encoder below it Lample et al. 2016 (arXiv:1603.01360, section 2.2).
``C`` is the number of classes; the border before the first and behind the last label is one class
more, the last. So transitions are ``(C + 1, C + 1)``, from the row to the column. What a mask
leaves out is passed over: its neighbours follow each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import IGNORED

# exp of it is 0 in float32, and sums of many of them are finite.
NEVER = -1e4


@keras.saving.register_keras_serializable("keras_bert_zoo")
class LinearChainCRF(keras.layers.Layer):
    """Scores of neighbouring labels, and of the first and the last one.

    They begin at 0, where the most probable labels are those of a softmax on each position.
    The layer passes logits ``(B, S, C)`` on as they are: it is part of a graph to be part of
    its model.

    Args:
        classes: C.
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes

    def build(self, input_shape: Any) -> None:
        """Creates ``transitions`` ``(C, C)``, ``start`` and ``end`` ``(C,)``."""
        square, row = (self.classes, self.classes), (self.classes,)
        self.transitions = self.add_weight(name="transitions", shape=square, initializer="zeros")
        self.start = self.add_weight(name="start", shape=row, initializer="zeros")
        self.end = self.add_weight(name="end", shape=row, initializer="zeros")

    def call(self, logits: Any) -> Any:
        """The logits."""
        return logits

    def bordered(self) -> Any:
        """All scores as one matrix ``(C + 1, C + 1)``."""
        inner = ops.concatenate([self.transitions, ops.expand_dims(self.end, 1)], axis=1)
        first = ops.pad(self.start, [[0, 1]])
        return ops.concatenate([inner, ops.expand_dims(first, 0)], axis=0)

    def assign_bordered(self, scores: Any) -> None:
        """Takes scores from where ``bordered`` has them."""
        self.set_weights([scores[:-1, :-1], scores[-1, :-1], scores[:-1, -1]])

    def negative_log_likelihood(self, labels: Any, logits: Any) -> Any:
        """``-log p(labels)`` of each sequence.

        Args:
            labels: int ``(B, S)``; ``IGNORED`` is passed over.
            logits: ``(B, S, C)``.

        Returns:
            ``(B,)``; 0 of a sequence without labels.
        """
        counted = ops.not_equal(labels, IGNORED)
        chosen = ops.one_hot(ops.where(counted, labels, 0), self.classes, dtype="bool")
        # The labels' own score is what is left of the sum where no others may be.
        both = ops.concatenate([logits, ops.where(chosen, logits, NEVER)])
        total = log_partition(both, ops.concatenate([counted, counted]), self.bordered())
        free, fixed = ops.split(total, 2)
        return free - fixed

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "classes": self.classes}


def log_partition(logits: Any, mask: Any, transitions: Any) -> Any:
    """Logarithm of the sum over all label sequences of the exponential of their score.

    Args:
        logits: ``(B, S, C)``.
        mask: bool ``(B, S)``, of the positions that have a label.
        transitions: ``(C + 1, C + 1)``.

    Returns:
        ``(B,)``.
    """
    last, _ = _forward(logits, mask, transitions, ops.logsumexp)
    return ops.logsumexp(last + transitions[:, -1], axis=-1)


def marginals(logits: Any, mask: Any, transitions: Any) -> Any:
    """Probability of each label at each position, over all sequences: ``(B, S, C)``.

    The arguments are those of ``log_partition``; what the mask leaves out is 0.
    """
    _, left = _forward(logits, mask, transitions, ops.logsumexp)
    _, right = _forward(
        ops.flip(logits, 1), ops.flip(mask, 1), ops.transpose(transitions), ops.logsumexp
    )
    # Both sides count the position itself.
    scores = (left + ops.flip(right, 0))[..., :-1] - ops.transpose(logits, (1, 0, 2))
    shares = ops.transpose(ops.softmax(scores, axis=-1), (1, 0, 2))
    return ops.where(ops.expand_dims(mask, -1), shares, 0.0)


def viterbi(logits: Any, mask: Any, transitions: Any) -> Any:
    """The label sequence of the highest score: int32 ``(B, S)``, ``IGNORED`` outside the mask.

    The arguments are those of ``log_partition``.
    """
    last, best = _forward(logits, mask, transitions, ops.max)
    before = ops.concatenate([ops.expand_dims(_begin(logits), 0), best[:-1]])
    ending = ops.argmax(last + transitions[:, -1], axis=-1)
    into = ops.transpose(transitions)

    def step(label: Any, position: Any) -> tuple[Any, Any]:
        scores, counted = position[:, :-1], position[:, -1] > 0
        origin = ops.argmax(scores + ops.take(into, label, axis=0), axis=-1)
        return ops.where(counted, ops.cast(origin, "int32"), label), label

    positions = _positions(before, mask)
    _, labels = ops.scan(step, ops.cast(ending, "int32"), positions, reverse=True)
    return ops.where(mask, ops.transpose(labels), IGNORED)


def _forward(
    logits: Any, mask: Any, transitions: Any, reduce: Callable[..., Any]
) -> tuple[Any, Any]:
    """Scores of what leads to each label: at the end ``(B, C + 1)``, and ``(S, B, C + 1)``."""
    inner = transitions[:, :-1]

    def step(before: Any, position: Any) -> tuple[Any, Any]:
        emitted, counted = position[:, :-1], position[:, -1:] > 0
        after = reduce(ops.expand_dims(before, 2) + inner, axis=1) + emitted
        after = ops.where(counted, ops.pad(after, [[0, 0], [0, 1]], constant_values=NEVER), before)
        return after, after

    return ops.scan(step, _begin(logits), _positions(ops.transpose(logits, (1, 0, 2)), mask))


def _positions(scores: Any, mask: Any) -> Any:
    """Scores ``(S, B, …)`` and the mask ``(B, S)`` as one tensor.

    On TensorFlow Keras scans two of an open length only where it is known.
    """
    counted = ops.expand_dims(ops.transpose(mask), -1)
    return ops.concatenate([scores, ops.cast(counted, scores.dtype)], axis=-1)


def _begin(logits: Any) -> Any:
    """Nothing but the border: ``(B, C + 1)``."""
    border = ops.zeros_like(logits[:, 0, :1])
    return ops.pad(border, [[0, 0], [logits.shape[-1], 0]], constant_values=NEVER)
