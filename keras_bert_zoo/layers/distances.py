"""The vectors of distances, which all layers share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_bert_zoo.layers.embeddings import check_length
from keras_bert_zoo.layers.normalization import LayerNorm


def distance_rows(length: int, span: int, farthest: int, grow: bool) -> np.ndarray:
    """The row of a table ``(2 * span, H)`` for each distance, int32 ``(2 * length - 1,)``.

    He et al. 2021 (arXiv:2006.03654), section 3.1, query minus key from ``length - 1`` down to
    ``1 - length``. Where they grow, half of the rows of a side are for one distance each, the
    others reach to ``farthest`` in steps that grow, as in the code of DeBERTa-v2.
    """
    distance = np.arange(length - 1, -length, -1)
    if grow:
        middle, far = span // 2, np.abs(distance)
        # float32, as the published code computes it: it decides at the borders of steps.
        ratio = np.log(np.maximum(far, 1).astype("float32") / np.float32(middle))
        widest = np.log(np.float32((farthest - 1) / middle))
        grown = np.ceil(ratio / widest * np.float32(middle - 1)) + middle
        distance = np.where(far <= middle, distance, np.sign(distance) * grown)
    return np.clip(distance + span, 0, 2 * span - 1).astype("int32")


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Distances(keras.layers.Layer):
    """The vector of each distance in a row, for all layers: ``(2, 2 S - 1, H)``.

    As a query sees its keys, from ``S - 1`` tokens before it to as many behind it, and as a key
    sees its queries, the other way round.

    Args:
        hidden_size: ``H``.
        max_tokens: the longest sequence.
        span: rows of the table for each side.
        farthest: see ``distance_rows``.
        grow: see ``distance_rows``.
        normalise: whether vectors are normalised.
        epsilon: of the normalisation.
        initializer_range: standard deviation of the table.
    """

    def __init__(
        self,
        *,
        hidden_size: int,
        max_tokens: int,
        span: int,
        farthest: int,
        grow: bool,
        normalise: bool,
        epsilon: float = 1e-7,
        initializer_range: float = 0.02,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments: dict[str, Any] = {
            "hidden_size": hidden_size,
            "max_tokens": max_tokens,
            "span": span,
            "farthest": farthest,
            "grow": grow,
            "normalise": normalise,
            "epsilon": epsilon,
            "initializer_range": initializer_range,
        }
        self.row_of = distance_rows(max_tokens, span, farthest, grow)
        policy = self.dtype_policy
        self.norm = LayerNorm(epsilon, name="norm", dtype=policy) if normalise else None

    def build(self, *_: Any) -> None:
        """Creates the table ``(2 * span, H)``."""
        sizes = self.arguments
        self.table = self.add_weight(
            name="table",
            shape=(2 * sizes["span"], sizes["hidden_size"]),
            initializer=keras.initializers.TruncatedNormal(stddev=sizes["initializer_range"]),
        )
        if self.norm is not None:
            self.norm.build((2, None, sizes["hidden_size"]))

    def call(self, input_ids: Any, training: bool | None = None) -> Any:
        """The vectors for rows ``(B, S)`` as long as these.

        Raises:
            ValueError: they are longer than distances reach.
        """
        longest, length = self.arguments["max_tokens"], ops.shape(input_ids)[1]
        check_length(input_ids, longest)
        places = ops.arange(2 * length - 1) + (longest - length)
        both_ways = ops.stack([places, 2 * (longest - 1) - places])
        vectors = ops.take(self.table, ops.take(self.row_of, both_ways, axis=0), axis=0)
        return vectors if self.norm is None else self.norm(vectors, training=training)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """``(2, 2 S - 1, H)``."""
        length = None if shape[1] is None else 2 * shape[1] - 1
        return (2, length, self.arguments["hidden_size"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), **self.arguments}
