"""From an artifact to a directory that TensorFlow Serving serves, one version at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from keras_bert_zoo.atomic import atomic_directory
from keras_bert_zoo.data.examples import Examples

from .. import process
from ..artifact import MANIFEST, Artifact
from ..errors import ExportError
from ..formats import FORMATS
from ..runtimes import RUNTIMES
from . import warmup
from .serving_config import with_model, write_configs

BATCH_SIZES = (1, 8, 32)
_SERVED = ("tensorflow", "tensorflow-text")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class Deployment:
    """What ``deploy`` wrote.

    Args:
        path: directory of the version.
        version: its number.
        requests: warm-up requests in it, each of which was run.
    """

    path: pathlib.Path
    version: int
    requests: int


def deploy(
    artifact: Artifact | str | pathlib.Path,
    output: str | pathlib.Path,
    examples: Examples,
    *,
    name: str = "bert",
    batch_sizes: Sequence[int] = BATCH_SIZES,
    root: str = "/serving",
) -> Deployment:
    """Adds a SavedModel artifact to a directory for TensorFlow Serving, as its next version.

    ``output/models/NAME/VERSION`` appears whole or not at all, and only after all its
    warm-up requests ran through the session loader in a process without Keras: a server
    that watches the directory never sees half a version, nor one that cannot be loaded.
    ``models.config``, ``batching_parameters.config`` and ``monitoring.config`` are written
    where they are missing; what an operator changed in them stays.

    Args:
        artifact: of the format ``savedmodel`` or ``savedmodel-ids``, or its directory.
        output: the directory; several models may share it.
        examples: real texts of the kind that will be asked, for the warm-up.
        name: of the model on the server.
        batch_sizes: texts in a warm-up request.
        root: where the server sees ``output``.

    Returns:
        What was written.

    Raises:
        CorruptArtifact: the artifact is not what was exported.
        ExportError: the artifact is no SavedModel, a name or a size is not valid, there are
            no texts, or a warm-up request failed.
        MissingRuntime: tensorflow-serving-api is not installed.
        OSError: the output cannot be written, or the disk is full.
    """
    artifact = Artifact.load(artifact.path if isinstance(artifact, Artifact) else artifact)
    _check(artifact, name, batch_sizes, examples)
    tree = pathlib.Path(output)
    with_model(tree, name, root)  # refuses a broken file before anything is written
    base = tree / "models" / name
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base):
        version = 1 + max(_versions(base), default=0)
        with atomic_directory(base / str(version)) as directory:
            shutil.copytree(artifact.file, directory, dirs_exist_ok=True)
            requests = _warm_up(artifact, directory, name, examples, batch_sizes)
            shutil.copy(artifact.path / MANIFEST, directory / "assets.extra" / MANIFEST)
    with _locked(tree):
        write_configs(tree, with_model(tree, name, root), max(batch_sizes))
    return Deployment(base / str(version), version, requests)


def _warm_up(
    artifact: Artifact,
    directory: pathlib.Path,
    name: str,
    examples: Examples,
    batch_sizes: Sequence[int],
) -> int:
    """Writes the requests and runs each as a server would."""
    signatures, pairs = artifact.signatures, examples.text_pairs
    texts = (list(examples.texts), None if pairs is None else list(pairs))
    arguments = (directory, artifact.path, name, signatures, *texts, tuple(batch_sizes))
    process.call(warmup.write_requests, *arguments)
    runtime, threads = FORMATS[artifact.format].runtime, os.cpu_count() or 1
    hide = RUNTIMES[runtime].hide
    try:
        ran = process.call(warmup.replay, directory, runtime, signatures, threads, hide=hide)
    except ValueError as error:
        raise ExportError(
            f"{artifact.path} cannot be served: {error}\nNothing was published. Export again."
        ) from error
    return len(ran)


def _check(artifact: Artifact, name: str, batch_sizes: Sequence[int], examples: Examples) -> None:
    served = [key for key, row in FORMATS.items() if row.runtime in _SERVED]
    wrong: list[tuple[bool, str]] = [
        (artifact.format not in served, f"artifact must be of {served}: {artifact.format!r}"),
        (not _NAME.fullmatch(name), f"name must match {_NAME.pattern}: {name!r}"),
        (not batch_sizes or min(batch_sizes) < 1, f"batch_sizes must be positive: {batch_sizes}"),
        (not len(examples), "examples holds no texts to warm up with"),
    ]
    for is_wrong, message in wrong:
        if is_wrong:
            raise ExportError(f"{message}.")


def _versions(base: pathlib.Path) -> list[int]:
    return [int(path.name) for path in base.iterdir() if path.name.isdigit()]


@contextlib.contextmanager
def _locked(directory: pathlib.Path) -> Iterator[Any]:
    """Waits until no other process deploys here; the system drops the lock of a dead one."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
