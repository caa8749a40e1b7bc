"""The directory of a training run: whose it is, what may lie in it, what is cleared."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import yaml

from keras_bert_zoo.bundle.target import check_target
from keras_bert_zoo.training.state import check_identity

BUNDLE, METRICS, RECIPE, LOGS = "bundle", "metrics.json", "recipe.yaml", "logs"


@dataclasses.dataclass(frozen=True)
class RunDirectory:
    """Where a run keeps what it needs to go on, and leaves what it made.

    Args:
        path: the directory.
        state: name of the file or directory that a run goes on from.
        others: names of what else a run of this kind writes, besides its bundle, metrics,
            recipe and logs.
    """

    path: pathlib.Path
    state: str
    others: tuple[str, ...]

    @property
    def _written(self) -> tuple[str, ...]:
        return (self.state, METRICS, RECIPE, LOGS, *self.others)

    @property
    def finished(self) -> bool:
        """Whether a run has ended here."""
        return (self.path / METRICS).is_file()

    def check(self, *, resume: bool, overwrite: bool) -> None:
        """Refuses the directory before anything is computed.

        Raises:
            FileExistsError: it is in use and neither switch is set, or holds foreign files.
            FileNotFoundError: there is nothing to resume.
            PermissionError: it cannot be written.
        """
        path = self.path
        if path.exists() and not path.is_dir():
            raise FileExistsError(f"output {str(path)!r} is no directory. Pass another one.")
        found = sorted(each.name for each in path.iterdir()) if path.is_dir() else []
        # Names with a dot are what a kill in the middle of a save leaves.
        foreign = [n for n in found if n not in (*self._written, BUNDLE) and n[0] != "."]
        if foreign:
            raise FileExistsError(
                f"output {str(path)!r} holds {foreign}, which no run writes. Pass another one."
            )
        if found and not (resume or overwrite):
            raise FileExistsError(
                f"output {str(path)!r} exists and holds {found}. Pass resume=True (--resume) to "
                "go on with the run in it, overwrite=True (--overwrite) to start anew, or another "
                "directory."
            )
        if resume and self.state not in found:
            raise FileNotFoundError(
                f"output {str(path)!r} holds no {self.state}: there is no run to resume. Leave "
                "resume out to start one."
            )
        check_target(path / BUNDLE, overwrite=True)
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(f"output {str(path)!r} cannot be written.")

    def clear(self, identity: Mapping[str, Any]) -> None:
        """Removes what an older run left, but its bundle: the new one will take its place.

        Args:
            identity: what the new run is, for ``recipe.yaml``.
        """
        for path in (self.path / name for name in self._written):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        values = yaml.safe_dump(dict(identity), sort_keys=False, allow_unicode=True)
        (self.path / RECIPE).write_text(values, encoding="utf-8")

    def check_recipe(self, identity: Mapping[str, Any]) -> None:
        """Refuses a recipe that is not that of the run here; names what changed."""
        path = self.path / RECIPE
        check_identity(path, yaml.safe_load(path.read_text(encoding="utf-8")), identity)
