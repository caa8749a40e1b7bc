"""The checkpoints of a long run: the last few, each whole or not there."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.training.state import DamagedStateError, StateFile

_log = logging.getLogger(__name__)
_NAME = re.compile(r"step-(\d+)\.safetensors")


@dataclasses.dataclass(frozen=True)
class Position:
    """Where a run stands.

    Args:
        step: updates so far, over all phases.
        data: what the batches need to go on at once, see ``PretrainingBatches.position``.
    """

    step: int = 0
    data: dict[str, Any] | None = None


class Checkpoints:
    """Saves and restores a run; ``step-00001000.safetensors`` is the state after 1,000 updates.

    Args:
        directory: of the files.
        model: a compiled model with a built optimizer.
        identity: what must be the same when the run goes on.
        keep: how many files stay.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        model: keras.Model,
        identity: Mapping[str, Any],
        *,
        keep: int = 2,
    ) -> None:
        self.directory = directory
        self.model = model
        self.identity = identity
        self.keep = keep

    def files(self) -> list[pathlib.Path]:
        """The checkpoints, the newest first."""
        found = self.directory.glob("step-*.safetensors") if self.directory.is_dir() else ()
        return sorted((path for path in found if _NAME.fullmatch(path.name)), reverse=True)

    def save(self, position: Position) -> pathlib.Path:
        """Writes a checkpoint, then removes those that are too many.

        Raises:
            OSError: it cannot be written; the older ones are as they were.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / f"step-{position.step:08d}.safetensors"
        try:
            self._file(path).save(position)
        except OSError as error:
            last = next((str(each) for each in self.files()), "none")
            raise OSError(
                f"The checkpoint of step {position.step} could not be written: {error}. The last "
                f"good one is {last}. Make room, then go on with resume."
            ) from error
        for old in self.files()[self.keep :]:
            old.unlink()
        return path

    def restore(self) -> Position:
        """Loads the newest checkpoint that is whole; one that is not is left with a warning.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it was saved by another recipe, or with other data.
        """
        for path in self.files():
            try:
                return self._file(path).restore(Position)
            except DamagedStateError as error:
                _log.warning("%s The one before it is taken.", error)
        raise FileNotFoundError(
            f"{self.directory} holds no whole checkpoint: there is nothing to resume. Start anew "
            "with overwrite."
        )

    def _file(self, path: pathlib.Path) -> StateFile:
        return StateFile(path, self.model, self.identity)
