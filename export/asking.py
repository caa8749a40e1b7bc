"""Text in, answer out, by an artifact: the ``Predictor`` of a bundle in another runtime.

TensorFlow only, for the tokenizer.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.tasks.predictor import Predictor, task_of
from keras_bert_zoo.tokenizers import Tokenizer, load_tokenizer

from .artifact import Artifact
from .errors import ExportError
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
        ExportError: the artifact takes no ids, or has no tokenizer.
        MissingRuntime: the runtime is not installed.
        ValueError: an argument is unknown, or ``max_length`` beyond a row.
    """
    artifact = source if isinstance(source, Artifact) else Artifact.load(source)
    if not artifact.id_signatures:
        raise ExportError(
            f"{artifact.path} takes texts itself, and a predictor gives ids. Call it with "
            "Artifact.run or a Runner, or export a format that takes ids."
        )
    config = EncoderConfig.from_file(artifact.path / "config.json")
    tokenizer = tokenizer_of(artifact)
    task = task_of(
        artifact.task or "sentence_embedding",
        config,
        tokenizer,
        max_length=max_length,
        most=longest_row(artifact),
        options=options,
        **columns,
    )
    run = Runner(artifact, threads, takes_text=False)
    return Predictor(asked(artifact.task, config, run), task, tokenizer, config.labels, batch_size)


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
