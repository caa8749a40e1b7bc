"""What is wrong with an artifact's outputs, seen from Keras'. NumPy only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.evaluation.classification import probabilities

from ..formats import FORMATS
from ..measurement import Measurement
from ..scoring import embeddings_of, logits_of, problem_of, unit_vectors
from ..signature import Signature, choose

if TYPE_CHECKING:
    from ..artifact import Artifact

Arrays = Mapping[str, np.ndarray]


def largest_difference(outputs: Iterable[Arrays], expected: Iterable[Arrays]) -> float:
    """Over all numbers of all batches; infinite where names or shapes differ, or for NaN."""
    pairs = zip(outputs, expected, strict=True)
    return max(_difference(ours, theirs) for ours, theirs in pairs)


def _difference(ours: Arrays, theirs: Arrays) -> float:
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        return float("inf")
    largest = max(_apart(ours[name], theirs[name]) for name in theirs)
    return float("inf") if np.isnan(largest) else largest


def _apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Infinity is no further from itself than a number; there may be none at all."""
    other = ours != theirs
    return float(np.abs(ours[other] - theirs[other]).max(initial=0.0))


def joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Batches as one; where one has fewer answers to a text, nothing takes their places."""
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    table = np.zeros((sum(map(len, parts)), width, *parts[0].shape[2:]), parts[0].dtype)
    if table.dtype == object:
        table[:] = ""
    for rows, part in zip(np.split(table, np.cumsum([*map(len, parts)])[:-1]), parts, strict=True):
        rows[:, : part.shape[1]] = part
    return table


def problems_of(
    format_name: str,
    signatures: Sequence[Signature],
    inputs: Sequence[Mapping[str, Any]],
    measured: Measurement,
    difference: float,
) -> list[str]:
    """Names, types and shapes that are not the signature's, and numbers too far off."""
    problems = []
    declared = {spec.name: spec.dtype for spec in signatures[0].inputs}
    if dict(measured.opened.inputs) != declared:
        problems.append(f"the inputs are {dict(measured.opened.inputs)}, not {declared}")
    for given, outputs in zip(inputs, measured.outputs, strict=True):
        signature = choose(signatures, given)
        problems += signature.mismatches(signature.bind(given), outputs)
    tolerance = FORMATS[format_name].tolerance
    if not np.isfinite(difference):
        problems.append(f"{signatures[0].name} returns NaN, infinity or other shapes than Keras")
    elif tolerance is not None and difference > tolerance:
        problems.append(
            f"{signatures[0].name} is {difference:.1e} from Keras, more than {tolerance:.0e}"
        )
    return list(dict.fromkeys(problems))


def expected_of_text(
    config: EncoderConfig, inputs: Sequence[Arrays], outputs: Sequence[Arrays]
) -> dict[str, np.ndarray]:
    """What the text signature should return, by Keras' outputs for single texts."""
    if problem_of(config) is None:
        return {"embeddings": embeddings_of(inputs, outputs)}
    return {"scores": probabilities(str(config.problem_type), joined_logits(config, outputs))}


def expected_of_ids(
    config: EncoderConfig,
    artifact: Artifact,
    inputs: Sequence[Arrays],
    outputs: Sequence[Arrays],
) -> list[Arrays]:
    """What the integer signature should return: Keras' outputs, or scores or embeddings."""
    if {spec.name for spec in artifact.signature.outputs} == set(outputs[0]):
        return list(outputs)
    pairs = zip(inputs, outputs, strict=True)
    expected = [expected_of_text(config, [given], [made]) for given, made in pairs]
    if not artifact.options.get("normalize"):
        return list(expected)
    return [{name: unit_vectors(rows) for name, rows in each.items()} for each in expected]


def wrong_labels(config: EncoderConfig, outputs: Arrays) -> list[str]:
    """Whether the text signature names the classes in order, and the best one rightly."""
    if "labels" not in outputs:
        return []
    names = np.array(config.labels, object)
    right = (outputs["labels"] == names).all() and (
        outputs["label"] == names[outputs["scores"].argmax(axis=-1)]
    ).all()
    return [] if right else ["the labels are not those of the config, in their order"]


def joined_logits(config: EncoderConfig, outputs: Sequence[Arrays]) -> np.ndarray:
    """The logits of all batches ``(N, C)``; of scores those that give the same decisions."""
    if "logits" in outputs[0]:
        return np.concatenate([made["logits"] for made in outputs])
    scores = np.concatenate([made["scores"] for made in outputs])
    return logits_of(str(config.problem_type), scores)


def percentiles(seconds: Sequence[float]) -> dict[str, Any]:
    """Median, 95th and 99th percentile in milliseconds."""
    names = {"p50": 50, "p95": 95, "p99": 99}
    found = np.percentile(np.array(seconds) * 1e3, list(names.values()))
    return dict(zip(names, map(float, found), strict=True))
