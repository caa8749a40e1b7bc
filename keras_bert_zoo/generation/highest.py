"""The highest of many scores: of a vocabulary's words, a few are wanted.

Compilers sort all of them, or compare one by one. The highest of each block is found fast, and the
``k`` highest of all lie in the ``k`` blocks whose highest are the highest.
"""

from __future__ import annotations

from typing import Any

from keras import ops

# About the root of a vocabulary.
BLOCK = 128


def highest(scores: Any, count: int) -> tuple[Any, Any]:
    """``ops.top_k`` of ``(R, V)``: the ``count`` highest, and their places, int32.

    The first of equal ones comes first, as there.
    """
    rows, words = ops.shape(scores)
    if words <= BLOCK * count:
        best, places = ops.top_k(scores, count)
        return best, ops.cast(places, "int32")
    blocks = -(-words // BLOCK)
    room = ((0, 0), (0, blocks * BLOCK - words))
    padded = ops.pad(scores, room, constant_values=-float("inf"))
    _, chosen = ops.top_k(ops.max(ops.reshape(padded, (rows, blocks, BLOCK)), axis=-1), count)
    # In their order, for the first of equal ones to come first.
    chosen = ops.sort(ops.cast(chosen, "int32"), axis=-1)
    places = chosen[..., None] * BLOCK + ops.arange(BLOCK, dtype="int32")
    places = ops.reshape(places, (rows, count * BLOCK))
    inside = ops.take_along_axis(scores, ops.minimum(places, words - 1), axis=1)
    inside = ops.where(places < words, inside, -float("inf"))
    best, which = ops.top_k(inside, count)
    return best, ops.take_along_axis(places, ops.cast(which, "int32"), axis=1)
