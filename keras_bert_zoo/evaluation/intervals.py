"""What several runs say together: means with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.stats


def summary(values: Sequence[float], overlap: float = 0.0) -> dict[str, Any]:
    """Mean, standard deviation and Student's 95 % interval of the mean.

    Args:
        values: of ``k`` runs, at least two.
        overlap: test by training examples where the runs share training examples, else 0. Such
            runs vary less than independent ones would: the variance of the mean is taken as
            ``(1 / k + overlap)`` of that of a run (Nadeau & Bengio 2003, "Inference for the
            Generalization Error", section 3). Of n folds it is ``1 / (n - 1)``.

    Returns:
        ``mean``, ``standard_deviation``, ``interval`` and ``values``; NaN where a value is.
    """
    count, mean = len(values), float(np.mean(values))
    deviation = float(np.std(values, ddof=1))
    half = scipy.stats.t.ppf(0.975, count - 1) * deviation * (1 / count + overlap) ** 0.5
    return {
        "mean": mean,
        "standard_deviation": deviation,
        "interval": [mean - float(half), mean + float(half)],
        "values": [float(value) for value in values],
    }
