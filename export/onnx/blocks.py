"""Arrays as small integers and scales, in the layouts of ONNX operators. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# With 16 steps a block is better off if its outermost values are clipped and all others lie
# closer: these shares of its lower and of its upper end are tried.
_SHARES = tuple(np.float32(share) for share in (1, 0.9, 0.8))
_AT_ONCE = 32
_ROWS = 4096
_SMALLEST_HALF, _LARGEST_HALF = 5.96e-8, 65504.0


def eight_bit_scale(array: np.ndarray, axis: int) -> np.ndarray:
    """The step of each slice along all axes but ``axis``: its largest value is 127 of them.

    Returns:
        float32 ``(n,)``; 1 for slices of zeros.
    """
    others = tuple(i for i in range(array.ndim) if i != axis)
    largest = np.maximum(array.max(axis=others), -array.min(axis=others))
    return np.where(largest > 0, largest / 127, 1).astype("float32")


def eight_bit(array: np.ndarray, scale: np.ndarray, axis: int) -> np.ndarray:
    """Rounds to int8 steps of ``scale`` ``(n,)``, which belongs to ``axis``."""
    shape = [1] * array.ndim
    shape[axis] = -1
    steps = np.empty(array.shape, "int8")
    for rows in chunks(len(array)):
        # Broadcasting copies nothing.
        scales = np.broadcast_to(scale.reshape(shape), array.shape)[rows]
        steps[rows] = np.rint(array[rows] / scales)
    return steps


def half(array: np.ndarray) -> np.ndarray:
    """Rounds to float16 without new zeros and infinities."""
    result = np.empty(array.shape, "float16")
    for rows in chunks(len(array)) if array.ndim else [...]:
        size = np.clip(np.abs(array[rows]), _SMALLEST_HALF, _LARGEST_HALF)
        result[rows] = np.where(array[rows] == 0, array[rows], np.copysign(size, array[rows]))
    return result


def chunks(rows: int) -> Iterator[slice]:
    """Slices of a large array, so that what is computed from each stays small."""
    yield from (slice(start, start + _ROWS) for start in range(0, rows, _ROWS))


def four_bit(kernel: np.ndarray, block_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Packs a kernel ``(K, N)`` as ``MatMulNBits`` takes it.

    The inputs of each output are cut into blocks of one scale and one zero point each: those
    of the range, of several, that leaves the least squared error.

    Returns:
        uint8 ``(N, blocks, block_size / 2)``, two values a byte, the first in the low half;
        scales, float32 ``(N, blocks)``; zero points, uint8 ``(N, ceil(blocks / 2))``.
    """
    columns = kernel.T
    padding = -columns.shape[1] % block_size
    padded = np.pad(columns, ((0, 0), (0, padding)))
    blocks = np.ascontiguousarray(padded).reshape(len(columns), -1, block_size)
    # A few outputs at a time stay in the processor's cache.
    parts = [_rounded(blocks[i : i + _AT_ONCE]) for i in range(0, len(blocks), _AT_ONCE)]
    steps, scales, zeros = (np.concatenate(part) for part in zip(*parts, strict=True))
    zeros = np.pad(zeros[..., 0], ((0, 0), (0, zeros.shape[1] % 2)))
    return _pairs(steps), scales[..., 0], _pairs(zeros)


def _pairs(steps: np.ndarray) -> np.ndarray:
    return steps[..., ::2] | steps[..., 1::2] << 4


def _rounded(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps ``(n, blocks, block_size)``, scales and zero points ``(n, blocks, 1)``."""
    # Zero is in every range, so that it has a step of its own.
    low = np.minimum(blocks.min(axis=-1, keepdims=True), 0)
    high = np.maximum(blocks.max(axis=-1, keepdims=True), 0)
    tried = (_round_to(blocks, low * a, high * b) for a in _SHARES for b in _SHARES)
    least, *best = next(tried)
    for error, *values in tried:
        better = error < least
        least = np.where(better, error, least)
        best = [np.where(better, new, old) for new, old in zip(values, best, strict=True)]
    return best[0], best[1], best[2]


def _round_to(blocks: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, ...]:
    """Squared error, steps, scales and zero points for 16 steps from ``low`` to ``high``."""
    scales = ((high - low) / 15).astype("float32")
    scales = np.where(scales == 0, np.float32(1), scales)
    zeros = np.rint(-low / scales)
    steps = np.clip(np.rint(blocks / scales) + zeros, 0, 15)
    error = np.square((steps - zeros) * scales - blocks).sum(axis=-1, keepdims=True)
    return error, steps.astype("uint8"), scales, zeros.astype("uint8")
