"""Every artifact that writes against ``generate``: the same ids, each in its own runtime."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert_zoo.checkpoints.writers import GENERATION

from .. import process
from ..artifact import Artifact
from ..conversion import as_directory
from ..digest import digest_of
from ..errors import ExportError
from ..formats import KNOWN_FORMATS
from ..measurement import measure, timed
from .litert import LiteRtWriter
from .ort import OrtWriter

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle

Rows = Sequence[Mapping[str, np.ndarray]]
# Loops around files, by runtime; a SavedModel has its own inside.
_LOOPS: Mapping[str, Callable[..., Any]] = {"tflite": LiteRtWriter, "onnx": OrtWriter}


@dataclasses.dataclass(frozen=True)
class WritingRow:
    """What was found of one artifact.

    Args:
        format: key of ``WRITER_FORMATS``.
        size: bytes of the model.
        equal_tokens: share of tokens that are those of ``generate``; what follows the end of both
            texts does not count.
        equal_texts: share of texts that are.
        milliseconds: for each token that was written, the reading included.
        keras_milliseconds: the same of ``generate``, without XLA.
        exact: whether all texts must be the same: in formats of float32.
    """

    format: str
    size: int
    equal_tokens: float
    equal_texts: float
    milliseconds: float
    keras_milliseconds: float
    exact: bool

    @property
    def passed(self) -> bool:
        """Whether the texts are the same, where they must be."""
        return not self.exact or self.equal_texts == 1.0


def verify_writer(
    source: str | pathlib.Path | Bundle,
    artifacts: Iterable[Artifact | str | pathlib.Path],
    rows: Rows,
    *,
    threads: int | None = None,
) -> list[WritingRow]:
    """Writes with artifacts, each in its own runtime and process, and compares the ids.

    Args:
        source: the bundle that was exported, as ``bundle.load`` takes it, or in memory.
        artifacts: of ``export_writer``; checked against their manifests.
        rows: inputs of the model, int ``(1, S)`` each, as its tokenizer makes them.
        threads: of each runtime; by default one per processor.

    Returns:
        A row for each artifact.

    Raises:
        CorruptArtifact: an artifact is not what was exported.
        ExportError: there are no rows, or an artifact is of another model.
        MissingRuntime: a runtime is not installed.
    """
    opened = [Artifact.load(a.path if isinstance(a, Artifact) else a) for a in artifacts]
    if not rows or not opened:
        raise ExportError("verify_writer needs at least one artifact and one row of ids.")
    with as_directory(source) as directory:
        weights, expected = process.call(_keras, directory, list(map(_options, opened)), rows)
    strangers = [str(artifact.path) for artifact in opened if artifact.weights != weights]
    if strangers:
        raise ExportError(f"{strangers} were exported of other weights than {source} has.")
    threads = threads or os.cpu_count() or 1
    return [
        _row(artifact, _written(artifact, rows, threads), keras)
        for artifact, keras in zip(opened, expected, strict=True)
    ]


# Texts ``(rows, T)``, and seconds of each.
_Written = tuple[np.ndarray, list[float]]


def _options(artifact: Artifact) -> dict[str, Any]:
    """How an artifact writes: a loop around a file takes the likeliest token."""
    given = dict(artifact.options["generation"])
    if KNOWN_FORMATS[artifact.format].runtime in _LOOPS:
        given = {key: value for key, value in given.items() if key == "max_new_tokens"}
    return given


def _keras(
    source: str, options: Sequence[Mapping[str, Any]], rows: Rows
) -> tuple[str, list[_Written]]:
    """Digest of the weights, and what ``generate`` writes with each set of options."""
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.generation import generate

    model: Any = load(source, dtype="float32").model

    def written(given: Mapping[str, Any]) -> _Written:
        def write(row: Any) -> np.ndarray:
            return generate(model, row, jit_compile=False, **given)

        return _timed(write, rows)

    return digest_of(model), [written(given) for given in options]


def _written(artifact: Artifact, rows: Rows, threads: int) -> _Written:
    runtime = KNOWN_FORMATS[artifact.format].runtime
    if runtime in _LOOPS:
        answer: _Written = process.call(_loop, runtime, str(artifact.file), rows, threads)
        return answer
    found = measure(artifact, artifact.id_signatures, rows, threads)
    return np.concatenate([output["ids"] for output in found.outputs]), found.seconds


def _loop(runtime: str, path: str, rows: Rows, threads: int) -> _Written:
    return _timed(_LOOPS[runtime](path, threads), rows)


def _timed(write: Callable[[Any], Any], rows: Rows) -> _Written:
    texts: Any
    texts, seconds = timed(write, rows)
    return np.concatenate(texts), seconds


def _row(artifact: Artifact, found: _Written, keras: _Written) -> WritingRow:
    (ids, seconds), (expected, keras_seconds) = found, keras
    config = json.loads((artifact.path / GENERATION).read_text(encoding="utf-8"))
    counted = _lengths(expected, config["eos_token_id"])
    mine = _lengths(ids, config["eos_token_id"])
    same = ids == expected
    within = np.arange(ids.shape[1]) < np.maximum(counted, mine)[:, None]
    recipe = KNOWN_FORMATS[artifact.format].arguments.get("recipe", "float32")
    return WritingRow(
        artifact.format,
        artifact.size,
        equal_tokens=float(same[within].mean()),
        equal_texts=float(same.all(axis=1).mean()),
        milliseconds=1e3 * sum(seconds) / int(mine.sum()),
        keras_milliseconds=1e3 * sum(keras_seconds) / int(counted.sum()),
        exact=recipe == "float32",
    )


def _lengths(ids: np.ndarray, end: int) -> np.ndarray:
    """Tokens of each text ``(rows, T)``, its end included."""
    ended = ids == end
    return np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, ids.shape[1])
