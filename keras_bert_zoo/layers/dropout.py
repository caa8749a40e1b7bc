"""Dropout (Srivastava et al. 2014) that draws half the random numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

_STEPS = 2**16


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Dropout(keras.layers.Dropout):
    """``keras.layers.Dropout`` with two elements decided by each 32-bit draw.

    On a CPU the random numbers of Keras' own layer cost more than a projection does. The rate
    becomes a multiple of 2^-16, and what remains is scaled by that. One seed gives other
    masks here than there.

    Args:
        rate: share of the elements that become 0.
        **kwargs: of ``keras.layers.Dropout``, but for ``noise_shape``.

    Raises:
        ValueError: ``noise_shape`` is given.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        if kwargs.get("noise_shape") is not None:
            raise ValueError(
                f"Dropout has no noise_shape, received {kwargs['noise_shape']}. "
                "Use keras.layers.Dropout."
            )
        super().__init__(rate, **kwargs)
        self.drawn: Any = None  # a seed that replaces the generator, see `repeating`

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Drops and scales in training, and is the identity otherwise."""
        dropped = round(self.rate * _STEPS)
        if not training or not dropped:
            return inputs
        kept = self._bits(inputs) > dropped - _STEPS // 2 - 1  # never, where all are dropped
        return ops.where(kept, inputs * (_STEPS / max(_STEPS - dropped, 1)), 0.0)

    def _bits(self, inputs: Any) -> Any:
        """A random int16 for each element."""
        shape = ops.shape(inputs)
        size = math.prod(shape)
        source = self.seed_generator if self.drawn is None else DrawnSeed(self.drawn)
        draws = keras.random.randint(((size + 1) // 2, 1), -(2**31), 2**31 - 1, "int32", source)
        return ops.reshape(ops.reshape(ops.view(draws, "int16"), (-1,))[:size], shape)


class DrawnSeed(keras.random.SeedGenerator):
    """Gives the one seed it has, each time."""

    def __init__(self, seed: Any) -> None:
        self.seed = seed

    def next(self, ordered: bool = True) -> Any:
        """The seed."""
        return self.seed


@contextmanager
def repeating(layers: Sequence[Dropout], seeds: Sequence[Any]) -> Iterator[None]:
    """Lets layers take given seeds instead of new ones, so that masks can be made again."""
    for layer, seed in zip(layers, seeds, strict=True):
        layer.drawn = seed
    try:
        yield
    finally:
        for layer in layers:
            layer.drawn = None
