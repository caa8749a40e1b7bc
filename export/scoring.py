"""What the outputs of a model decide, and how right that is. NumPy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_bert_zoo.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class Problem:
    """How ``verify`` judges logits ``(N, C)``.

    Args:
        metric: the score, of ``evaluation.classification``, that the report states; more
            is better.
        decide: logits to decisions ``(N,)`` or ``(N, C)``; ``None`` where there are none,
            only numbers. Where there are some, the metric is the share of texts of which all
            are right.
    """

    metric: str
    decide: Callable[[np.ndarray], np.ndarray] | None


PROBLEMS: Mapping[str, Problem] = {
    "single_label_classification": Problem("accuracy", lambda logits: logits.argmax(axis=-1)),
    "multi_label_classification": Problem("exact_match", lambda logits: logits > 0),
    "regression": Problem("pearson", None),
}


def problem_of(config: EncoderConfig) -> Problem | None:
    """The problem of a bundle, or ``None`` for a bare encoder."""
    return PROBLEMS[config.problem_type] if config.problem_type and config.labels else None


def agreement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Share of the texts on which two models decide alike."""
    same = ours == theirs
    return float(same.reshape(len(same), -1).all(axis=1).mean())


def mean_of_tokens(inputs: Mapping[str, np.ndarray], hidden: np.ndarray) -> np.ndarray:
    """One vector per text ``(B, H)``: the mean of the hidden states that are not padding."""
    mask = inputs["attention_mask"][:, :, None].astype("float32")
    return (hidden * mask).sum(axis=1) / mask.sum(axis=1)


def embeddings_of(
    inputs: Sequence[Mapping[str, np.ndarray]], outputs: Sequence[Mapping[str, np.ndarray]]
) -> np.ndarray:
    """Embeddings ``(N, D)``: those that came out, or the means of the hidden states."""
    pairs = zip(inputs, outputs, strict=True)
    return np.concatenate([_embedding(given, made) for given, made in pairs])


def _embedding(inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    if "last_hidden_state" in outputs:
        return mean_of_tokens(inputs, outputs["last_hidden_state"])
    [vectors] = outputs.values()
    return vectors


def unit_vectors(rows: np.ndarray) -> np.ndarray:
    """Rows ``(B, H)`` divided by their length."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def logits_of(problem_type: str, scores: np.ndarray) -> np.ndarray:
    """Logits ``(N, C)`` with these scores, which a softmax leaves open up to a constant."""
    inverses: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
        "single_label_classification": np.log,
        "multi_label_classification": lambda p: np.log(p) - np.log1p(-p),
        "regression": lambda values: values,
    }
    # A score of exactly 0 or 1 is an infinite logit, and decided rightly.
    with np.errstate(divide="ignore"):
        return inverses[problem_type](np.asarray(scores, "float64"))
