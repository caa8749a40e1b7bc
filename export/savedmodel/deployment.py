"""From an artifact to a directory that TensorFlow Serving serves, one version at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from keras_bert_zoo.atomic import atomic_directory, made

from .. import process
from ..artifact import MANIFEST, Artifact
from ..errors import ExportError
from ..formats import KNOWN_FORMATS
from ..runtimes import RUNTIMES
from ..verification.asked import Given
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
    examples: Given,
    *,
    name: str = "bert",
    batch_sizes: Sequence[int] = BATCH_SIZES,
    root: str = "/serving",
    **columns: Any,
) -> Deployment:
    """Adds a SavedModel artifact to a directory for TensorFlow Serving, as its next version.

    ``output/models/NAME/VERSION`` appears whole or not at all, and only after all its
    warm-up requests ran through the session loader in a process without Keras: a server
    that watches the directory never sees half a version, nor one that cannot be loaded.
    ``models.config``, ``batching_parameters.config`` and ``monitoring.config`` are written
    where they are missing; what an operator changed in them stays.

    Args:
        artifact: of a format that is a SavedModel, or its directory.
        output: the directory; several models may share it.
        examples: real texts of the kind that will be asked, for the warm-up: ``Examples``. Of
            tasks whose answer is no class and no embedding also a file as the task reads it, or a
            list of questions; the answers are not needed.
        name: of the model on the server.
        batch_sizes: texts in a warm-up request.
        root: where the server sees ``output``.
        **columns: of ``tasks.task.Settings``, where such a file has what it holds; and ``limit``,
            how many questions are read.

    Returns:
        What was written.

    Raises:
        CorruptArtifact: the artifact is not what was exported.
        ExportError: the artifact is no SavedModel, a name or a size is not valid, there are
            no texts, or a warm-up request failed.
        ValueError: the file of examples holds something else.
        MissingRuntime: tensorflow-serving-api is not installed.
        OSError: the output cannot be written, or the disk is full.
    """
    artifact = Artifact.load(artifact.path if isinstance(artifact, Artifact) else artifact)
    _check(artifact, name, batch_sizes, examples)
    tree = pathlib.Path(output)
    with_model(tree, name, root)  # refuses a broken file before anything is written
    base = tree / "models" / name
    with tempfile.TemporaryDirectory() as scratch:
        requests = pathlib.Path(scratch) / "requests"
        # Refuses texts of another kind before anything is written, too.
        arguments = (requests, artifact, name, examples, columns, tuple(batch_sizes))
        process.call(warmup.write_requests, *arguments)
        with made(base), _locked(base):
            version = 1 + max(_versions(base), default=0)
            with atomic_directory(base / str(version)) as directory:
                shutil.copytree(artifact.file, directory, dirs_exist_ok=True)
                (directory / warmup.FILE).parent.mkdir(exist_ok=True)
                shutil.copyfile(requests, directory / warmup.FILE)
                shutil.copy(artifact.path / MANIFEST, directory / "assets.extra" / MANIFEST)
                ran = _warm_up(artifact, directory)
    with _locked(tree):
        write_configs(tree, with_model(tree, name, root), max(batch_sizes))
    return Deployment(base / str(version), version, ran)


def _warm_up(artifact: Artifact, directory: pathlib.Path) -> int:
    """Runs each request as a server would."""
    runtime, threads = KNOWN_FORMATS[artifact.format].runtime, os.cpu_count() or 1
    arguments = (directory, runtime, artifact.signatures, threads)
    try:
        ran = process.call(warmup.replay, *arguments, hide=RUNTIMES[runtime].hide)
    except ValueError as error:
        raise ExportError(
            f"{artifact.path} cannot be served: {error}\nNothing was published. Export again."
        ) from error
    return len(ran)


def _check(artifact: Artifact, name: str, batch_sizes: Sequence[int], examples: Given) -> None:
    served = [key for key, row in KNOWN_FORMATS.items() if row.runtime in _SERVED]
    wrong: list[tuple[bool, str]] = [
        (artifact.format not in served, f"artifact must be of {served}: {artifact.format!r}"),
        (not _NAME.fullmatch(name), f"name must match {_NAME.pattern}: {name!r}"),
        (not batch_sizes or min(batch_sizes) < 1, f"batch_sizes must be positive: {batch_sizes}"),
        (not examples, "examples holds no texts to warm up with"),
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
