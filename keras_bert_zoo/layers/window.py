"""Attention that sees the tokens near each token alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.families.modernbert import is_cut
from keras_bert_zoo.layers.attention import MASKED


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Window(keras.layers.Layer):
    """Adds ``MASKED`` to a bias where query and key are too far from each other.

    Beltagy et al. 2020 (arXiv:2004.05150), section 3.1. All keys that ``R = reach`` queries in a
    row can see are in three such blocks: where rows are known to be long, the bias of these
    is made alone, of which ``attend_near`` makes use.

    Args:
        reach: the largest distance that is seen.
        in_blocks: whether the bias may be that of ``C`` blocks.
    """

    def __init__(self, reach: int, *, in_blocks: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reach = reach
        self.in_blocks = in_blocks

    def call(self, input_ids: Any, bias: Any) -> Any:
        """``(B, 1, 1, S)`` or ``(B, 1, S, S)`` to ``(B, 1, S, S)``, or ``(B, C, 1, R, 3 R)``."""
        length = input_ids.shape[1]
        if self.in_blocks and length is not None and is_cut(self.reach, length):
            keys = _with_neighbours(bias[:, 0, 0], self.reach, MASKED)
            queries = np.arange(self.reach)[:, None] + self.reach
            far = np.abs(np.arange(3 * self.reach) - queries) > self.reach
            return ops.expand_dims(keys, (2, 3)) + ops.cast(far * MASKED, bias.dtype)
        places = ops.arange(ops.shape(input_ids)[1])
        distance = ops.abs(ops.expand_dims(places, 0) - ops.expand_dims(places, 1))
        return bias + ops.cast(distance > self.reach, bias.dtype) * MASKED

    def compute_output_shape(
        self, input_ids_shape: tuple[int | None, ...], bias_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """``(B, 1, S, S)``."""
        batch, length = input_ids_shape
        return (batch, 1, length, length)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "reach": self.reach, "in_blocks": self.in_blocks}


def attend_near(
    attend: Callable[..., Any], query: Any, key: Any, value: Any, bias: Any, training: bool | None
) -> tuple[Any, ...]:
    """The same as ``attend`` for a bias of blocks: each is a row of its own, with its neighbours.

    Args:
        attend: of ``Attention``.
        query: ``(B, S, N, D)``; ``key`` and ``value`` have its shape.
        key: what each query is multiplied with.
        value: what is averaged.
        bias: ``(B, C, 1, R, 3 R)`` of ``Window``.
        training: whether dropout is on.

    Returns:
        The context ``(B, S, N, D)`` and, where there are, probabilities ``(B C, N, R, 3 R)``.
    """
    length, size = query.shape[1], bias.shape[3]
    queries = _folded(_blocks(_padded(query, 0, -length % size), size))
    keys, values = (_folded(_with_neighbours(x, size)) for x in (key, value))
    context, *probabilities = attend(queries, keys, values, _folded(bias), training)
    rows = ops.reshape(context, (-1, bias.shape[1] * size, *query.shape[2:]))
    return (rows[:, :length], *probabilities)


def _with_neighbours(x: Any, size: int, fill: float = 0.0) -> Any:
    """``(B, S, …)`` to ``(B, C, 3 size, …)``: each block, those before and after it beside it."""
    rest = -x.shape[1] % size
    wide = _padded(x, size, rest + size, fill)
    past = x.shape[1] + rest
    shifted = [_blocks(wide[:, first : first + past], size) for first in (0, size, 2 * size)]
    return ops.concatenate(shifted, axis=2)


def _blocks(x: Any, size: int) -> Any:
    return ops.reshape(x, (-1, x.shape[1] // size, size, *x.shape[2:]))


def _folded(x: Any) -> Any:
    """``(B, C, …)`` to ``(B C, …)``."""
    return ops.reshape(x, (-1, *x.shape[2:]))


def _padded(x: Any, before: int, after: int, fill: float = 0.0) -> Any:
    widths = [(0, 0), (before, after), *((0, 0) for _ in x.shape[2:])]
    return ops.pad(x, widths, constant_values=fill)
