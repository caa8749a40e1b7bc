"""One vector for a text: hidden states pooled as sentence-transformers does.

``B`` batch, ``S`` sequence, ``H`` hidden size, ``P`` the number of poolings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.config import POOLINGS

# The smallest divisor, and the shortest length by which a vector is divided.
_SMALL = 1e-9
_SHORTEST = 1e-12


def unit(x: Any) -> Any:
    """Vectors ``(..., D)`` of length 1, as ``torch.nn.functional.normalize`` makes them."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x / ops.sqrt(ops.maximum(squares, _SHORTEST**2))


def _first(hidden: Any, mask: Any) -> Any:
    return hidden[:, 0]


def _largest(hidden: Any, mask: Any) -> Any:
    return ops.max(ops.where(mask > 0, hidden, -float("inf")), axis=1)


def _mean(hidden: Any, mask: Any) -> Any:
    return ops.sum(hidden * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), _SMALL)


def _mean_of_root(hidden: Any, mask: Any) -> Any:
    tokens = ops.maximum(ops.sum(mask, axis=1), _SMALL)
    return ops.sum(hidden * mask, axis=1) / ops.sqrt(tokens)


def _weighted_mean(hidden: Any, mask: Any) -> Any:
    # The weight of a token is its place, from 1: the sum of as many ones.
    return _mean(hidden, mask * ops.cumsum(ops.ones_like(mask), axis=1))


# Tensors (B, S, H) and (B, S, 1) to (B, H).
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "cls": _first,
    "max": _largest,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
}


def pooling_names(pooling: str | Sequence[str]) -> tuple[str, ...]:
    """Names of ``POOLINGS``, of one or several.

    Raises:
        ValueError: there are none, or one is unknown.
    """
    names = (pooling,) if isinstance(pooling, str) else tuple(pooling)
    unknown = [name for name in names if name not in POOLINGS]
    if unknown or not names:
        raise ValueError(f"pooling must be of {list(POOLINGS)}, received {pooling!r}.")
    return names


@keras.saving.register_keras_serializable("keras_bert_zoo")
class SentencePooling(keras.layers.Layer):
    """Pools hidden states ``(B, S, H)`` of right-padded rows to ``(B, P * H)``.

    Reimers & Gurevych 2019, arXiv:1908.10084, section 3; ``weightedmean`` is that of
    Muennighoff 2022, arXiv:2202.08904: later tokens count for more.

    Args:
        pooling: names of ``POOLINGS``; of several the results stand side by side.

    Raises:
        ValueError: a pooling is unknown.
    """

    def __init__(self, pooling: str | Sequence[str] = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooling = pooling_names(pooling)

    def call(self, hidden: Any, attention_mask: Any) -> Any:
        """Pools the tokens whose mask is 1: ``(B, S, H)`` and ``(B, S)``."""
        mask = ops.expand_dims(ops.cast(attention_mask, hidden.dtype), -1)
        parts = [FUNCTIONS[name](hidden, mask) for name in self.pooling]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, hidden_shape: tuple[Any, ...], *_: Any) -> tuple[Any, ...]:
        """``(B, P * H)``."""
        return (hidden_shape[0], len(self.pooling) * hidden_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "pooling": list(self.pooling)}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class FirstNumbers(keras.layers.Layer):
    """The first ``units`` numbers of vectors ``(B, D)``, of length 1 where asked.

    Matryoshka embeddings (Kusupati et al. 2022, arXiv:2205.13147) are cut before they are
    normalised.

    Args:
        units: how many numbers are kept; ``None`` keeps all.
        normalize: whether the result has length 1.
    """

    def __init__(self, units: int | None = None, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.normalize = normalize

    def call(self, x: Any) -> Any:
        """Cuts and normalises."""
        x = x[..., : self.units]
        return unit(x) if self.normalize else x

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """``(B, units)``."""
        return (*shape[:-1], min(shape[-1], self.units or shape[-1]))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "units": self.units, "normalize": self.normalize}
