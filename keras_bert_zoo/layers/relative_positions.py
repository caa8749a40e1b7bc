"""What attention adds for the distance of two tokens."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

_FAR = 128


def distance_buckets(length: int, buckets: int) -> np.ndarray:
    """The bucket of each distance from ``1 - length`` to ``length - 1``, int32.

    Raffel et al. 2020 (arXiv:1910.10683), section 2.1, as in T5's code: half of the buckets are
    for keys behind the query; of a half, half are for one distance each, the others grow to 128
    tokens, and the last takes all beyond.
    """
    distance = np.arange(1 - length, length)
    half = buckets // 2
    exact, far = half // 2, np.abs(distance)
    # float32, as the published code computes it: it decides at the borders of buckets.
    ratio = np.log(np.maximum(far, 1).astype("float32") / np.float32(exact))
    grown = exact + (ratio / np.float32(math.log(_FAR / exact)) * (half - exact)).astype("int32")
    return (np.where(far < exact, far, np.minimum(grown, half - 1)) + half * (distance > 0)).astype(
        "int32"
    )


@keras.saving.register_keras_serializable("keras_bert_zoo")
class RelativePositions(keras.layers.Layer):
    """Adds a learned number for the distance of query and key, one for each head, to a bias.

    Shared by all layers: Song et al. 2020 (arXiv:2004.09297), MPNet.

    Args:
        num_heads: ``N``.
        buckets: of distances.
        max_tokens: the longest sequence.
        initializer_range: standard deviation of the numbers.
    """

    def __init__(
        self,
        num_heads: int,
        buckets: int,
        max_tokens: int,
        *,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "num_heads": num_heads,
            "buckets": buckets,
            "max_tokens": max_tokens,
            "initializer_range": initializer_range,
        }
        self.bucket_of = distance_buckets(max_tokens, buckets)

    def build(self, *_: Any) -> None:
        """Creates the table ``(buckets, N)``."""
        self.table = self.add_weight(
            name="table",
            shape=(self.arguments["buckets"], self.arguments["num_heads"]),
            initializer=keras.initializers.TruncatedNormal(
                stddev=self.arguments["initializer_range"]
            ),
        )

    def call(self, input_ids: Any, bias: Any) -> Any:
        """The bias ``(B, 1, 1, S)`` of a mask, with distances: ``(B, N, S, S)``."""
        places = ops.arange(ops.shape(input_ids)[1])
        distance = ops.expand_dims(places, 0) - ops.expand_dims(places, 1)  # key - query
        buckets = ops.take(self.bucket_of, distance + self.arguments["max_tokens"] - 1, axis=0)
        numbers = ops.transpose(ops.take(self.table, buckets, axis=0), (2, 0, 1))  # N S S
        return bias + ops.expand_dims(numbers, 0)

    def compute_output_shape(
        self, input_ids_shape: tuple[int | None, ...], bias_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """``(B, N, S, S)``."""
        batch, length = input_ids_shape
        return (batch, self.arguments["num_heads"], length, length)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}
