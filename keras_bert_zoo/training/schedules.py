"""Learning rates over the steps of a training run."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_bert_zoo")
class WarmupLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise from 0 to ``peak``, then linear fall to 0 at ``total_steps``.

    Devlin et al. 2018 (arXiv:1810.04805), appendix A.2. Steps count from 0, as Keras'
    ``optimizer.iterations`` and ``transformers.get_linear_schedule_with_warmup`` do: the
    first update uses ``peak * 0 / warmup_steps``, so with a warm-up it changes nothing but
    the moments, and update ``warmup_steps`` (counted from 0) is the first at the peak.

    Args:
        peak: the highest learning rate.
        warmup_steps: updates below the peak; 0 starts at the peak.
        total_steps: updates of the whole run.

    Raises:
        ValueError: the warm-up is longer than the run, or a number is negative.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int) -> None:
        if not 0 <= warmup_steps <= total_steps or total_steps < 1 or not 0 <= peak < math.inf:
            raise ValueError(
                "A schedule needs a finite peak >= 0 and 0 <= warmup_steps <= total_steps, at "
                f"least 1 step in all. Received peak={peak}, warmup_steps={warmup_steps}, "
                f"total_steps={total_steps}."
            )
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step: Any) -> Any:
        """Learning rate of update ``step``, float32 scalar."""
        step = ops.cast(step, "float32")
        rising = step / max(1, self.warmup_steps)
        falling = (self.total_steps - step) / max(1, self.total_steps - self.warmup_steps)
        rate = ops.where(step < self.warmup_steps, rising, ops.maximum(falling, 0.0))
        return self.peak * rate

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }
