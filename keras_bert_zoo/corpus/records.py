"""Where a run is, on disk: what a killed one goes on from."""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
import shutil
from typing import Any

import numpy as np

from keras_bert_zoo.atomic import write_bytes, write_text
from keras_bert_zoo.corpus.counts import Counts
from keras_bert_zoo.corpus.writing import Written
from keras_bert_zoo.identity import changes

_RUN = "run.json"


@dataclasses.dataclass(frozen=True)
class Step:
    """What was done when a shard was full.

    Args:
        units: how many of the corpus are done, from the first.
        text: digest of their text.
        counts: of the units since the step before.
        written: what the manifest says of the shards.
    """

    units: int
    text: str
    counts: Counts
    written: Written


class Records:
    """The steps of a run, in a directory of their own beside the shards.

    Args:
        directory: made if it does not exist.
        run: what the run is; another one must not go on from its steps.

    Raises:
        ValueError: the steps there are those of another run; says what changed.
    """

    def __init__(self, directory: pathlib.Path, run: dict[str, Any]) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / _RUN
        if path.is_file():
            check_same_run(directory.parent, json.loads(path.read_text("utf-8")), run)
        else:
            write_text(path, json.dumps(run))

    def steps(self) -> list[Step]:
        """The finished steps, in order."""
        found: list[Step] = []
        while (path := self._path(len(found), "json")).is_file():
            values = json.loads(path.read_text("utf-8"))
            found.append(Step(**{**values, "counts": Counts(**values["counts"])}))
        return found

    def hashes(self, number: int) -> np.ndarray:
        """Hashes of the documents of a step: bytes of 16 ``(documents,)``."""
        return np.load(self._path(number, "npy"))

    def add(self, number: int, step: Step, hashes: np.ndarray) -> None:
        """Notes a step; from here on it is finished."""
        content = io.BytesIO()
        np.save(content, hashes)
        write_bytes(self._path(number, "npy"), content.getvalue())
        write_text(self._path(number, "json"), json.dumps(dataclasses.asdict(step)))

    def remove(self) -> None:
        """Removes the directory."""
        shutil.rmtree(self._directory)

    def _path(self, number: int, suffix: str) -> pathlib.Path:
        return self._directory / f"step-{number:05}.{suffix}"


def check_same_run(directory: pathlib.Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuses to mix two runs in a directory.

    Raises:
        ValueError: they differ; says in what.
    """
    changed = changes(_flat(before), _flat(now))
    if changed:
        raise ValueError(
            f"{directory} holds shards of another run, which cannot go on with these options: "
            f"{changed}. Take the former options, or another output."
        )


def _flat(run: dict[str, Any]) -> dict[str, Any]:
    return {**run.get("options", {}), **{k: v for k, v in run.items() if k != "options"}}
