"""LAMB as published; ``keras.ops`` only, for every Keras backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_bert_zoo.training.optimizers import MomentOptimizer


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Lamb(MomentOptimizer):
    """Adam for large batches: each variable moves in proportion to its own length.

    You et al. 2020 (arXiv:1904.00962), algorithm 2, with ``phi(z) = z``. In update ``t``, from
    1, for gradients ``g`` that were scaled down together so that their global norm is at most
    ``clip``::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g ** 2
        r = (m / (1 - beta_1 ** t)) / (sqrt(v / (1 - beta_2 ** t)) + epsilon) + decay * w
        w = w - learning_rate * norm(w) / norm(r) * r

    The ratio is 1 where one of the norms is 0. As in Google's code (``exclude_from_weight_decay``,
    which is also that of the layer adaptation) and NVIDIA's, a variable in ``exclude`` has
    neither decay nor ratio: LayerNorms and biases. In ``keras.optimizers.Lamb`` the decay is
    outside the ratio, and every variable has one.

    Arguments are those of ``training.optimizers.MomentOptimizer``.
    """

    def _direction(self, m: Any, v: Any, variable: Any, decays: bool) -> Any:
        a, b = self._corrections(variable.dtype)
        update = (m / a) / (ops.sqrt(v / b) + self.epsilon)
        if not decays:
            return update
        update = update + self.decay * variable
        return _trust_ratio(variable, update) * update


def _trust_ratio(variable: Any, update: Any) -> Any:
    length, step = (ops.sqrt(ops.sum(ops.square(each))) for each in (variable, update))
    known = ops.logical_and(length > 0, step > 0)
    return ops.where(known, length / step, ops.ones_like(step))
