"""Published optimizers in NumPy and float64, for the tests of ours."""

from __future__ import annotations

import functools

import numpy as np


def clipped(gradients, limit=1.0):
    norm = np.sqrt(sum(np.sum(np.asarray(g, "float64") ** 2) for g in gradients))
    return [np.asarray(g, "float64") * limit / max(norm, limit) for g in gradients]


def adamw(weights, gradients_per_step, rates, decays, correct_bias=False):
    """google-research/bert, optimization.py; with the correction arXiv:1711.05101, algorithm 2."""
    weights = [np.asarray(w, "float64") for w in weights]
    m = [np.zeros_like(w) for w in weights]
    v = [np.zeros_like(w) for w in weights]
    for t, (gradients, rate) in enumerate(zip(gradients_per_step, rates, strict=True), start=1):
        a, b = (1 - 0.9**t, 1 - 0.999**t) if correct_bias else (1, 1)
        for i, g in enumerate(clipped(gradients)):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            update = (m[i] / a) / (np.sqrt(v[i] / b) + 1e-6)
            if decays[i]:
                update += 0.01 * weights[i]
            weights[i] = weights[i] - rate * update
    return weights


def lamb(weights, gradients_per_step, rates, decays):
    """You et al. 2020 (arXiv:1904.00962), algorithm 2."""
    weights = [np.asarray(w, "float64") for w in weights]
    m = [np.zeros_like(w) for w in weights]
    v = [np.zeros_like(w) for w in weights]
    for t, (gradients, rate) in enumerate(zip(gradients_per_step, rates, strict=True), start=1):
        for i, g in enumerate(clipped(gradients)):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            r = (m[i] / (1 - 0.9**t)) / (np.sqrt(v[i] / (1 - 0.999**t)) + 1e-6)
            ratio = 1.0
            if decays[i]:
                r = r + 0.01 * weights[i]
                norms = np.linalg.norm(weights[i]), np.linalg.norm(r)
                ratio = norms[0] / norms[1] if all(norms) else 1.0
            weights[i] = weights[i] - rate * ratio * r
    return weights


PUBLISHED = {
    "BertAdamW": adamw,
    "BertAdamW, corrected": functools.partial(adamw, correct_bias=True),
    "Lamb": lamb,
}
