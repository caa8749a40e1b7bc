"""What an optimizer does to a variable, in one pass over it. TensorFlow only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf


def adam(
    variable: Any,
    first: Any,
    second: Any,
    gradient: Any,
    rate: Any,
    beta_1: float,
    beta_2: float,
    epsilon: Any,
) -> None:
    """Takes one step of Adam in place, without correction of the bias.

    Args:
        variable: what is trained.
        first: its first moment.
        second: its second moment.
        gradient: dense.
        rate: learning rate, a scalar of the type of the variable.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment; a number, or a scalar of that type.
    """
    nothing = tf.zeros_like(rate)  # as powers of both betas: the moments need no correction
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=first.handle,
        v=second.handle,
        beta1_power=nothing,
        beta2_power=nothing,
        lr=rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=gradient,
    )


def global_norm(gradients: Iterable[Any]) -> Any:
    """Norm of all gradients together: float32, or float64 where they are."""
    gradients = list(gradients)
    doubles = any(gradient.dtype == tf.float64 for gradient in gradients)
    wide = tf.float64 if doubles else tf.float32
    halves = [tf.nn.l2_loss(tf.cast(gradient, wide)) for gradient in gradients]
    return tf.sqrt(2.0 * tf.add_n(halves))
