"""What models read beside the ids of a row. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf


def other_inputs(arrays: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The inputs of a model besides the ids.

    Args:
        arrays: see ``rows.Layout``.

    Returns:
        int32 ``(B, S)``: ``attention_mask``, ``token_type_ids`` and, packed, ``position_ids``.
    """
    width = arrays["input_ids"].shape[1]
    place = tf.range(width)
    real = place < arrays["lengths"][:, None]
    types = tf.zeros_like(arrays["input_ids"])
    if "first_lengths" in arrays:
        types = tf.cast(real & (place >= arrays["first_lengths"][:, None]), tf.int32)
    masks = {"attention_mask": tf.cast(real, tf.int32), "token_type_ids": types}
    if "documents" in arrays:
        # Ascending numbers, so that bisection finds where each begins.
        numbers = tf.where(real, arrays["documents"], width + 1)
        positions = place - tf.searchsorted(numbers, numbers)
        masks["attention_mask"] = arrays["documents"]
        masks["position_ids"] = tf.where(real, positions, 0)
    return masks
