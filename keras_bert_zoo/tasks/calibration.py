"""A classifier whose probabilities say how often it is right.

TensorFlow-only.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_bert_zoo.atomic import write_text
from keras_bert_zoo.bundle import trained_for
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.evaluation.calibration import (
    Reliability,
    calibration_scores,
    fit_temperature,
    reliability,
)
from keras_bert_zoo.tasks.predictor import predictor
from keras_bert_zoo.tasks.task import REMEMBERED

_TASK = "sequence_classification"


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What ``calibrate`` found.

    Args:
        temperature: what logits are divided by from now on.
        scores: of ``evaluation.calibration.calibration_scores``, for ``"validation"`` and
            where there is one ``"test"``: ``"before"``, at temperature 1, and ``"after"``.
        reliability: the same of decisions in bins.
    """

    temperature: float
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    reliability: Mapping[str, Mapping[str, Reliability]]


def calibrate(
    bundle: str | pathlib.Path,
    validation: str,
    *,
    test: str | None = None,
    max_length: int | None = None,
    **columns: Any,
) -> Calibration:
    """Fits the temperature of a bundle and writes it into its ``config.json``.

    ``predictor`` then answers with other probabilities and the same classes; weights and
    logits stay as they are.

    Args:
        bundle: directory of a classifier.
        validation: labelled texts that it was not trained on.
        test: others, only to see what became of it.
        max_length: of ``predictor``.
        **columns: of ``predictor``.

    Raises:
        FileNotFoundError: there is no such directory.
        ValueError: it is of another layout than Hugging Face's or a model for another task, or no
            temperature fits; see ``fit_temperature``.
    """
    path = pathlib.Path(bundle) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is no file. The temperature is written there: save the model to a directory."
        )
    layout = layout_of(path.parent).name
    if layout != "hf":
        raise ValueError(
            f"bundle {str(bundle)!r} is of the layout {layout!r}, which has no place for a "
            "temperature. Save what load returns of it, and calibrate that."
        )
    own = trained_for(bundle)
    if own not in (_TASK, None):  # of what names no task, `predictor` says what is missing
        raise ValueError(
            f"calibrate is for models of {_TASK!r}, which choose classes for a text; {bundle} is "
            f"one of {own!r}."
        )
    ask = predictor(bundle, task=_TASK, max_length=max_length, **columns)
    kind = str(ask.task.problem_type)
    answered = {
        name: _labels_and_logits(ask, source)
        for name, source in {"validation": validation, "test": test}.items()
        if source
    }
    temperature = fit_temperature(kind, *answered["validation"])
    _remember(path, temperature)
    divisors = {"before": 1.0, "after": temperature}

    def at_both(measure: Any) -> dict[str, dict[str, Any]]:
        return {
            name: {when: measure(kind, labels, logits / by) for when, by in divisors.items()}
            for name, (labels, logits) in answered.items()
        }

    return Calibration(temperature, at_both(calibration_scores), at_both(reliability))


def _labels_and_logits(ask: Any, source: str) -> tuple[np.ndarray, np.ndarray]:
    rows, outputs = ask.outputs(ask.task.read(source))
    return rows.labels["logits"], outputs["logits"]


def _remember(path: pathlib.Path, temperature: float) -> None:
    config = json.loads(path.read_text(encoding="utf-8"))
    options = config
    for key in (REMEMBERED, _TASK, "options"):
        options[key] = options.get(key) or {}
        options = options[key]
    options["temperature"] = temperature
    text = json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True)
    write_text(path, text + "\n")
