"""The state of a training run as one file, written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import keras
import numpy as np
import safetensors
import safetensors.numpy

from keras_bert_zoo.identity import changes

P = TypeVar("P")


class DamagedStateError(ValueError):
    """A file that was not written whole, or changed since."""


@dataclasses.dataclass
class Progress:
    """Where a run stands.

    Args:
        epoch: epoch of the next step, from 0.
        step: next step inside it, from 0.
        best: the best validation value so far.
        best_epoch: its epoch.
        finished: whether training is over, by its end or by early stopping.
        history: one dict of logs for each finished epoch.
    """

    epoch: int = 0
    step: int = 0
    best: float | None = None
    best_epoch: int | None = None
    finished: bool = False
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)


class StateFile:
    """Saves and restores everything a run needs to go on as if it had not stopped.

    Weights, the optimizer's moments and step, the states of all random generators
    (dropout), the running averages of this epoch's metrics, and ``Progress``.

    Args:
        path: a ``.safetensors`` file.
        model: a compiled model; its optimizer must be built.
        identity: what must be the same when the run goes on, e.g. the recipe's values and
            a digest of the data.
    """

    def __init__(self, path: pathlib.Path, model: keras.Model, identity: Mapping[str, Any]) -> None:
        self.path = path
        self.identity = dict(identity)
        groups = {
            "model": model.variables,
            "optimizer": model.optimizer.variables,
            "metrics": [variable for metric in model.metrics for variable in metric.variables],
        }
        # Numbered: generated layer names differ from one process to the next.
        self._variables = {
            f"{group}/{index}": variable
            for group, variables in groups.items()
            for index, variable in enumerate(variables)
        }

    def save(self, progress: Any) -> None:
        """Writes the file; a kill at any moment leaves the old one or the new one.

        Args:
            progress: ``Progress``, or another dataclass of what JSON can hold.
        """
        arrays = {key: np.asarray(each.numpy()) for key, each in self._variables.items()}
        described = {"progress": dataclasses.asdict(progress), "identity": self.identity}
        metadata = {name: json.dumps(value) for name, value in described.items()}
        save_tensors(self.path, arrays, metadata)

    def restore(self, kind: type[P] = Progress) -> P:  # type: ignore[assignment]
        """Loads the file into the model and returns where the run stood, of the saved kind.

        Raises:
            FileNotFoundError: no state was saved.
            ValueError: it was saved by another recipe or with other data, or is damaged.
        """
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} does not exist: there is nothing to resume.")
        metadata, arrays = read_tensors(self.path)
        check_identity(self.path, json.loads(metadata["identity"]), self.identity)
        for key, variable in self._variables.items():
            variable.assign(arrays[key])
        return kind(**json.loads(metadata["progress"]))

    def metric_values(self) -> list[np.ndarray]:
        """Current values of the metrics' variables."""
        return [variable.numpy() for variable in self._metrics()]

    def set_metric_values(self, values: Iterable[np.ndarray]) -> None:
        """Sets what ``metric_values`` returned."""
        for variable, value in zip(self._metrics(), values, strict=True):
            variable.assign(value)

    def _metrics(self) -> list[Any]:
        return [v for key, v in self._variables.items() if key.startswith("metrics/")]


def check_identity(
    path: pathlib.Path, saved: Mapping[str, Any], current: Mapping[str, Any]
) -> None:
    """Refuses to go on with other settings than those saved in a file.

    Raises:
        ValueError: names each setting that changed.
    """
    changed = changes(saved, current)
    if changed:
        raise ValueError(
            f"The run saved in {path} cannot go on with other settings: "
            f"{changed}. Set them back, or start anew with overwrite."
        )


def save_tensors(
    path: pathlib.Path, arrays: dict[str, np.ndarray], metadata: dict[str, str] | None = None
) -> None:
    """Writes a safetensors file beside ``path``, forces it to disk and renames it.

    Raises:
        OSError: the disk is full or the directory cannot be written; an older file is as it was.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        safetensors.numpy.save_file(arrays, temporary, metadata)
    except safetensors.SafetensorError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(f"{path} could not be written: {error}") from error
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)


def read_tensors(path: pathlib.Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Reads metadata and tensors; a ``DamagedStateError`` where the file is damaged."""
    try:
        with safetensors.safe_open(path, "numpy") as file:
            return file.metadata() or {}, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise DamagedStateError(
            f"{path} is damaged: {error}. Start anew with overwrite."
        ) from error
