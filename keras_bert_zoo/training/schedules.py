"""Learning rates over the steps of a training run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule


@keras.saving.register_keras_serializable("keras_bert_zoo")
class WarmupDecay(LearningRateSchedule):
    """Linear rise from 0 to ``peak``, then a fall to a part of it at ``total_steps``.

    In update ``t``, with ``left = (total_steps - t) / (total_steps - warmup_steps)``::

        rate = peak * t / warmup_steps                          before warmup_steps
        rate = peak * (end + (1 - end) * left ** power)         from there on

    | schedule | arguments |
    |---|---|
    | linear: Devlin et al. 2018 (arXiv:1810.04805), appendix A.2 | as they are |
    | linear to 2 % of the peak: MosaicBERT (arXiv:2312.17482) | ``end=0.02`` |
    | polynomial | ``power`` |
    | constant after the warm-up | ``power=0`` |
    | one cycle: Cramming (arXiv:2212.14034) | ``warmup_steps=total_steps // 2`` |

    Steps count from 0, as Keras' ``optimizer.iterations`` and
    ``transformers.get_linear_schedule_with_warmup`` do: the first update uses
    ``peak * 0 / warmup_steps``, so with a warm-up it changes nothing but the moments, and
    update ``warmup_steps`` (counted from 0) is the first at the peak.

    Args:
        peak: the highest learning rate.
        warmup_steps: updates below the peak; 0 starts at the peak.
        total_steps: updates of the whole run.
        power: of the part that is left.
        end: rate from ``total_steps`` on, as a part of ``peak``.

    Raises:
        ValueError: the warm-up is longer than the run, or a number is out of range.
    """

    def __init__(
        self,
        peak: float,
        warmup_steps: int,
        total_steps: int,
        *,
        power: float = 1.0,
        end: float = 0.0,
    ) -> None:
        if not 0 <= warmup_steps <= total_steps or total_steps < 1 or not 0 <= peak < math.inf:
            raise ValueError(
                "A schedule needs a finite peak >= 0 and 0 <= warmup_steps <= total_steps, at "
                f"least 1 step in all. Received peak={peak}, warmup_steps={warmup_steps}, "
                f"total_steps={total_steps}."
            )
        if not (0 <= power < math.inf and 0 <= end <= 1):
            raise ValueError(
                "A schedule needs a finite power >= 0 and an end in [0, 1]. Received "
                f"power={power}, end={end}."
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.power = power
        self.end = end

    def __call__(self, step: Any) -> Any:
        """Learning rate of update ``step``, float32 scalar."""
        step = ops.cast(step, "float32")
        rising = step / max(1, self.warmup_steps)
        left = (self.total_steps - step) / max(1, self.total_steps - self.warmup_steps)
        falling = self.end + (1 - self.end) * ops.power(ops.maximum(left, 0.0), self.power)
        return self.peak * ops.where(step < self.warmup_steps, rising, falling)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        names = ("peak", "warmup_steps", "total_steps", "power", "end")
        return {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class InverseSquareRoot(LearningRateSchedule):
    """Linear rise, then a fall with the root of the number of the step.

    In update ``t``, counted from 1::

        rate = scale * min(t ** -0.5, t * warmup_steps ** -1.5)

    Vaswani et al. 2017 (arXiv:1706.03762), equation 3, where ``scale`` is ``d_model ** -0.5`` and
    the warm-up 4000 steps; Liu and Lapata 2019 (arXiv:1908.08345), section 4.1, equations 6 and 7,
    where ``scale`` is 2e-3 and 0.1. The highest rate is ``scale * warmup_steps ** -0.5``.

    Args:
        scale: see above.
        warmup_steps: updates until the highest rate.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(self, scale: float, warmup_steps: int) -> None:
        if not (0 <= scale < math.inf and warmup_steps >= 1):
            raise ValueError(
                "A schedule needs a finite scale >= 0 and warmup_steps of at least 1. Received "
                f"scale={scale}, warmup_steps={warmup_steps}."
            )
        self.scale = scale
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Any:
        """Learning rate of update ``step``, counted from 0 as Keras does, float32 scalar."""
        number = ops.cast(step, "float32") + 1.0
        return self.scale * ops.minimum(number**-0.5, number * self.warmup_steps**-1.5)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"scale": self.scale, "warmup_steps": self.warmup_steps}


@keras.saving.register_keras_serializable("keras_bert_zoo")
class Phases(LearningRateSchedule):
    """Schedules one after the other, each with its own warm-up and peak.

    For a run in phases, such as BERT's of 128 and then 512 tokens: with LAMB the rate rises
    anew in the second (You et al. 2020, arXiv:1904.00962).

    Args:
        phases: what each phase would be alone; ``total_steps`` is its length.

    Raises:
        ValueError: there is no phase.
    """

    def __init__(self, phases: Sequence[WarmupDecay]) -> None:
        if not phases:
            raise ValueError("phases must be a list of at least one WarmupDecay, received none.")
        self.phases = list(phases)

    def __call__(self, step: Any) -> Any:
        """Learning rate of update ``step``, float32 scalar."""
        first, *later = self.phases
        starts = itertools.accumulate(phase.total_steps for phase in self.phases)
        rate = first(step)
        for start, phase in zip(starts, later, strict=False):
            rate = ops.where(step < start, rate, phase(step - start))
        return rate

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"phases": [keras.saving.serialize_keras_object(phase) for phase in self.phases]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Phases:
        """Rebuilds the schedule from ``get_config``."""
        return cls([keras.saving.deserialize_keras_object(phase) for phase in config["phases"]])
