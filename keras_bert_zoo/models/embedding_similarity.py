"""How near two embeddings are; the formulas are sentence-transformers'.

``B`` sets in a batch, ``M`` texts of a set, ``D`` width of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_bert_zoo.layers.pooling import unit


def cosine(embeddings: Any) -> Any:
    """Of the first two texts of each set: ``(B, M, D)`` to ``(B,)``."""
    return _dot(unit(embeddings[:, 0]), unit(embeddings[:, 1]))


def _dot(x: Any, y: Any) -> Any:
    return ops.sum(x * y, axis=-1)


def angle(embeddings: Any) -> Any:
    """The angle similarity of the first two texts of each set: ``(B, M, D)`` to ``(B,)``.

    ``|sum of the real and imaginary parts of (z / w) / (|z| / |w|)|``, where the halves of a
    vector are real and imaginary parts (Li & Li 2023, arXiv:2309.12871, section 3.4).
    """
    width = embeddings.shape[-1]
    if width % 2:
        embeddings = ops.pad(embeddings, [[0, 0], [0, 0], [0, 1]])
    half = (width + 1) // 2
    a, b = embeddings[:, 0, :half], embeddings[:, 0, half:]
    c, d = embeddings[:, 1, :half], embeddings[:, 1, half:]
    # (a + bi) / (c + di) has a divisor |w|^2; with |w| / |z| it becomes |z| |w|.
    lengths = ops.sqrt((_dot(a, a) + _dot(b, b)) * (_dot(c, c) + _dot(d, d)))
    return ops.abs((_dot(a, c) + _dot(b, d) + _dot(b, c) - _dot(a, d)) / lengths)


def _euclidean(x: Any, y: Any) -> Any:
    # The root has no gradient at 0.
    return ops.sqrt(ops.maximum(ops.sum(ops.square(x - y), axis=-1), 1e-24))


def _cosine_distance(x: Any, y: Any) -> Any:
    return 1.0 - _dot(unit(x), unit(y))


# Of two texts ``(B, D)``, and the margin that goes with it.
DISTANCES: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "euclidean": (_euclidean, 5.0),
    "cosine": (_cosine_distance, 0.5),
}
