"""Text in, answer out, by an artifact: the ``Predictor`` of a bundle in another runtime.

TensorFlow only, for the tokenizer.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.generation import GenerationOptions
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.predictor import Predictor, task_of
from keras_bert_zoo.tasks.task import Task
from keras_bert_zoo.tokenizers import Tokenizer, load_tokenizer

from .artifact import Artifact
from .errors import ExportError
from .formats import WRITERS
from .graphs import asked
from .runner import Runner
from .signature import SEQUENCE


def predictor(
    source: Artifact | str | pathlib.Path,
    *,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = 64,
    threads: int | None = None,
    **columns: Any,
) -> Predictor:
    """Opens an artifact with what is needed to ask it.

    Args:
        source: an artifact, or its directory.
        max_length: tokens of a row; by default as in the training, but no more than the
            artifact's largest fixed length, else as many as the model has room for.
        options: of the task, see its ``Options``; by default those of the training.
        batch_size: rows at once; a file of fixed batches is asked in parts.
        threads: of the runtime; by default one per processor.
        **columns: of ``Settings``: where files have their texts and labels.

    Returns:
        A ``Predictor``, called and evaluated as that of ``tasks.predictor.predictor``; of a bare
        encoder one that embeds.

    Raises:
        CorruptArtifact: files are not what was exported.
        ExportError: the artifact takes no ids, has no tokenizer, or writes as it was exported and
            is asked to write otherwise.
        MissingRuntime: the runtime is not installed.
        ValueError: an argument is unknown, or ``max_length`` beyond a row.
    """
    artifact = source if isinstance(source, Artifact) else Artifact.load(source)
    if not artifact.id_signatures:
        raise ExportError(
            f"{artifact.path} takes texts itself, and a predictor gives ids. Call it with "
            "Artifact.run or a Runner, or export a format that takes ids."
        )
    config, tokenizer = artifact.config, tokenizer_of(artifact)
    most = longest_row(artifact)
    task = task_for(
        artifact, tokenizer, options=options, max_length=max_length, most=most, **columns
    )
    run = Runner(artifact, threads, takes_text=False)
    return Predictor(asked(artifact.task, config, run), task, tokenizer, config.labels, batch_size)


def task_for(
    artifact: Artifact,
    tokenizer: Tokenizer,
    *,
    options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Task[Any]:
    """A task as the model of an artifact was trained for it; arguments of ``task_of``.

    Raises:
        ExportError: an option is fixed in the artifact.
        ValueError: as ``task_of``.
    """
    fixed = {field.name for field in dataclasses.fields(GenerationOptions)} & set(options or ())
    if fixed and artifact.task in WRITERS:
        raise ExportError(
            f"{artifact.path} writes as it was exported: leave {sorted(fixed)} out, or export with "
            "another generation (--generation)."
        )
    name = artifact.task or "sentence_embedding"
    known = {field.name for field in dataclasses.fields(task_named(name).Options)}
    exported = artifact.options.get("generation") or {}
    options = {**{k: x for k, x in exported.items() if k in known}, **(options or {})}
    return task_of(name, artifact.config, tokenizer, options=options, **settings)


def tokenizer_of(artifact: Artifact) -> Tokenizer:
    """The tokenizer beside an artifact."""
    try:
        return load_tokenizer(artifact.path)
    except FileNotFoundError as error:
        raise ExportError(f"{artifact.path} has no tokenizer: the bundle had none.") from error


def longest_row(artifact: Artifact) -> int | None:
    """Tokens of the largest fixed length, or ``None`` where one is open."""
    sizes = [signature.size(SEQUENCE) for signature in artifact.id_signatures]
    return max((size for size in sizes if size), default=None)
