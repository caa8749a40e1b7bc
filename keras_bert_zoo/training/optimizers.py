"""Optimizers as published: BERT's here, LAMB beside; ``keras.ops``, for every Keras backend."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_bert_zoo.training.layer_decay import layer_scales

# Google's list is "LayerNorm", "layer_norm" and "bias"; these are the variables it means.
EXCLUDED_FROM_DECAY = (r"(^|/)(gamma|beta|bias)$",)

_OF_KERAS = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
# argument: what it must be, in words and as a test
_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "learning_rate": ("a number of at least 0", lambda value: 0 <= value < math.inf),
    "beta_1": ("in [0, 1)", lambda value: 0 <= value < 1),
    "beta_2": ("in [0, 1)", lambda value: 0 <= value < 1),
    "epsilon": ("a positive number", lambda value: 0 < value < math.inf),
    "decay": ("a number of at least 0", lambda value: 0 <= value < math.inf),
    "clip": ("a positive number, or None", lambda value: value > 0),
    "layer_decay": ("in (0, 1], or None", lambda value: 0 < value <= 1),
}
_OWN = ("beta_1", "beta_2", "epsilon", "decay", "clip", "layer_decay", "exclude")


class MomentOptimizer(keras.optimizers.Optimizer):
    """What the published optimizers share: two moments, one clip, decay and rates by path.

    The clip is that of the gradients of all replicas together. The norm is that of the summed
    gradient of each embedding row, also where TensorFlow delivers one slice for every token.
    A subclass says what becomes of the moments, in ``_direction``.

    Args:
        learning_rate: a float or a ``LearningRateSchedule``, see
            ``training.schedules.WarmupDecay``.
        beta_1: decay of the first moment.
        beta_2: decay of the second moment.
        epsilon: added to the root of the second moment.
        decay: weight decay, multiplied by the learning rate.
        clip: largest global norm of the gradients; ``None`` for no limit.
        layer_decay: factor between the learning rates of neighbouring layers, see
            ``training.layer_decay``; ``None`` for one rate.
        exclude: regular expressions, searched in variable paths; what matches any of them
            does not decay.
        other_rates: schedules by regular expressions: variables whose paths match one have its
            rate instead (Liu and Lapata 2019, arXiv:1908.08345, section 4.1).

    Raises:
        ValueError: Keras' own ``weight_decay``, ``clipnorm``, ``global_clipnorm`` or
            ``clipvalue`` is given, ``exclude`` is one string, or a number is out of range.
    """

    def __init__(
        self,
        learning_rate: Any = 5e-5,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        decay: float = 0.01,
        clip: float | None = 1.0,
        layer_decay: float | None = None,
        exclude: Sequence[str] = EXCLUDED_FROM_DECAY,
        other_rates: Mapping[str, Any] | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Keras' own decay and clips, which are None in a configuration that is loaded, would
        # act beside the published ones.
        foreign = {k: v for k, v in kwargs.items() if k in _OF_KERAS and v is not None}
        if foreign:
            kind = type(self).__name__
            raise ValueError(f"{kind} takes decay and clip instead of {foreign}.")
        if isinstance(exclude, str):
            raise ValueError(f"exclude must be a list of regular expressions, received {exclude!r}")
        numbers = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "decay": decay}
        limits = {"clip": clip, "layer_decay": layer_decay}
        _check_ranges({"learning_rate": learning_rate, **numbers, **limits})
        super().__init__(learning_rate, name=name or type(self).__name__.lower(), **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.decay = decay
        self.clip = clip
        self.layer_decay = layer_decay
        self.exclude = tuple(exclude)
        # Deserialised by itself where it comes from a configuration.
        self.other_rates = {
            pattern: keras.saving.deserialize_keras_object(rate) if isinstance(rate, dict) else rate
            for pattern, rate in (other_rates or {}).items()
        }

    def build(self, variables: Sequence[Any]) -> None:
        """Creates both moments of each variable; decides which decay, and their rates."""
        if self.built:
            return
        super().build(variables)
        self._first, self._second = self.add_optimizer_variables(variables, ["m", "v"])
        paths = [getattr(variable, "path", variable.name) for variable in variables]
        self._decays = [not any(re.search(p, path) for p in self.exclude) for path in paths]
        self._scales = layer_scales(paths, self.layer_decay)
        self._others = tuple(
            next((rate for p, rate in self.other_rates.items() if re.search(p, path)), None)
            for path in paths
        )

    def decaying_paths(self) -> list[str]:
        """Paths of the variables that decay."""
        pairs = zip(self._trainable_variables, self._decays, strict=True)
        return [variable.path for variable, decays in pairs if decays]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one clipped gradient to one variable."""
        index = self._get_variable_index(variable)
        first, second = self._first[index], self._second[index]
        rate = self._rate(index, learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        m = self.beta_1 * first + (1.0 - self.beta_1) * gradient
        v = self.beta_2 * second + (1.0 - self.beta_2) * ops.square(gradient)
        update = self._direction(m, v, variable, self._decays[index])
        self.assign(first, m)
        self.assign(second, v)
        self.assign_sub(variable, rate * update)

    def _rate(self, index: int, learning_rate: Any, dtype: str) -> Any:
        """The rate of one variable."""
        other = self._others[index]
        rate = learning_rate if other is None else other(self.iterations)
        return ops.cast(rate, dtype) * self._scales[index]

    def _direction(self, m: Any, v: Any, variable: Any, decays: bool) -> Any:
        """What is subtracted from a variable, but for its learning rate."""
        raise NotImplementedError

    def _corrections(self, dtype: str) -> tuple[Any, Any]:
        """``1 - beta ** t`` of both moments in update ``t``, without cancellation.

        Kingma & Ba 2014 (arXiv:1412.6980), section 3.
        """
        step = ops.cast(self.iterations + 1, dtype)
        return _correction(self.beta_1, step), _correction(self.beta_2, step)

    def _clip_gradients(self, grads: Iterable[Any]) -> list[Any]:
        # TensorFlow sums over the replicas only after this point: there, clip then.
        later = hasattr(super(), "_all_reduce_sum_gradients")
        return list(grads) if later else clip_by_global_norm(grads, self.clip)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> list[tuple[Any, Any]]:
        reduced = super()._all_reduce_sum_gradients(grads_and_vars)
        variables = [variable for _, variable in reduced]
        dense = [_dense(gradient, variable) for gradient, variable in reduced]
        return list(zip(clip_by_global_norm(dense, self.clip), variables, strict=True))

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        base = super().get_config()
        kept = {key: value for key, value in base.items() if key not in _OF_KERAS}
        others = {
            pattern: keras.saving.serialize_keras_object(rate)
            for pattern, rate in self.other_rates.items()
        }
        return {**kept, **{key: getattr(self, key) for key in _OWN}, "other_rates": others}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class BertAdamW(MomentOptimizer):
    """``AdamWeightDecayOptimizer`` as BERT's authors published it.

    google-research/bert, ``optimization.py``. In each step, for gradients ``g`` that were
    scaled down together so that their global norm is at most ``clip``::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g ** 2
        w = w - learning_rate * (m / (sqrt(v) + epsilon) + decay * w)

    With ``correct_bias``, ``m / (1 - beta_1 ** t)`` and ``v / (1 - beta_2 ** t)`` take the places
    of ``m`` and ``v`` in update ``t``, from 1: Loshchilov & Hutter 2019 (arXiv:1711.05101),
    algorithm 2, which is PyTorch's ``AdamW``. Without it the first hundreds of updates are up to
    six times as long, which a run of few updates may not survive (Mosbach et al. 2021,
    arXiv:2006.04884, section 5).

    From ``keras.optimizers.AdamW`` it differs so: the decay is part of the update, ``epsilon`` is
    larger, the bias is corrected on request, and the norm is taken over the gradients of all
    replicas together.

    Args:
        learning_rate: as all others, of ``MomentOptimizer``.
        correct_bias: correct the bias of both moments.
        kwargs: of ``MomentOptimizer``.
    """

    def __init__(
        self, learning_rate: Any = 5e-5, *, correct_bias: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.correct_bias = correct_bias

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies one clipped gradient to one variable; on TensorFlow with its fused kernel."""
        if keras.backend.backend() != "tensorflow":
            super().update_step(gradient, variable, learning_rate)
            return
        from keras_bert_zoo.training import fused

        index = self._get_variable_index(variable)
        rate = self._rate(index, learning_rate, variable.dtype)
        if self._decays[index]:
            # Made once and put in its place, where a subtraction would go through it twice more.
            self.assign(variable, variable * (1.0 - rate * self.decay))
        moments = self._first[index].value, self._second[index].value
        epsilon = self.epsilon
        if self.correct_bias:
            # What the kernel computes of these is rate * (m / a) / (sqrt(v / b) + epsilon).
            a, b = self._corrections(variable.dtype)
            rate, epsilon = rate * ops.sqrt(b) / a, epsilon * ops.sqrt(b)
        numbers = (self.beta_1, self.beta_2, epsilon)
        fused.adam(variable, *moments, ops.cast(gradient, variable.dtype), rate, *numbers)

    def _direction(self, m: Any, v: Any, variable: Any, decays: bool) -> Any:
        if self.correct_bias:
            a, b = self._corrections(variable.dtype)
            m, v = m / a, v / b
        update = m / (ops.sqrt(v) + self.epsilon)
        return update + self.decay * variable if decays else update

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "correct_bias": self.correct_bias}


def _correction(beta: float, step: Any) -> Any:
    return -ops.expm1(step * math.log(beta)) if beta else ops.ones_like(step)


def _check_ranges(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        meaning, holds = _RANGES[name]
        if isinstance(value, str) or (isinstance(value, int | float) and not holds(value)):
            raise ValueError(f"{name} must be {meaning}, received {value!r}.")


def _dense(gradient: Any, variable: Any) -> Any:
    """Sums TensorFlow's slices of an embedding gradient, one for each token, by row."""
    if not hasattr(gradient, "indices"):
        return gradient
    return ops.segment_sum(gradient.values, gradient.indices, num_segments=variable.shape[0])


def _global_norm(gradients: list[Any]) -> Any:
    if keras.backend.backend() == "tensorflow":
        from keras_bert_zoo.training import fused

        return fused.global_norm(gradients)
    wide = keras.backend.result_type("float32", *(g.dtype for g in gradients))
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(g, wide))) for g in gradients))


def clip_by_global_norm(gradients: Iterable[Any], limit: float | None) -> list[Any]:
    """Scales dense gradients together so that their joint norm is at most ``limit``.

    A norm that is not finite makes every gradient NaN, as ``tf.clip_by_global_norm`` does.
    """
    gradients = list(gradients)
    if limit is None:
        return gradients
    norm = _global_norm(gradients)
    scale = limit * ops.minimum(1.0 / norm, 1.0 / limit) + (norm - norm)
    return [gradient * ops.cast(scale, gradient.dtype) for gradient in gradients]
