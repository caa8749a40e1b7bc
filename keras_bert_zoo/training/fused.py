"""Kernels of TensorFlow that update a variable in one pass. TensorFlow only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf


def adam(
    variable: Any, first: Any, second: Any, gradient: Any, rate: Any, **numbers: float
) -> None:
    """Adam without correction of the bias, in place.

    Args:
        variable: what is trained.
        first: its first moment.
        second: its second moment.
        gradient: dense.
        rate: learning rate, of the type of the variable.
        **numbers: ``beta1``, ``beta2`` and ``epsilon``.
    """
    # Powers of 0 say that the moments need no correction.
    constants = {
        name: tf.constant(value, variable.dtype)
        for name, value in {"beta1_power": 0.0, "beta2_power": 0.0, **numbers}.items()
    }
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle, m=first.handle, v=second.handle, lr=rate, grad=gradient, **constants
    )


def global_norm(gradients: Iterable[Any]) -> Any:
    """Float32 norm of all gradients together."""
    halves = [tf.nn.l2_loss(tf.cast(gradient, tf.float32)) for gradient in gradients]
    return tf.sqrt(2.0 * tf.add_n(halves))
