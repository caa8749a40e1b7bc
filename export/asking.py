"""Text in, answer out, by an artifact: the ``Predictor`` of a bundle in another runtime.

TensorFlow only, for the tokenizer.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.data.rows import Rows
from keras_bert_zoo.evaluation.prediction import Observe
from keras_bert_zoo.generation import GenerationOptions
from keras_bert_zoo.tasks import task_named
from keras_bert_zoo.tasks.predictor import Predictor, task_of
from keras_bert_zoo.tasks.task import Task
from keras_bert_zoo.tokenizers import Tokenizer, load_tokenizer
from keras_bert_zoo.tokenizers.texts import well_formed

from .artifact import Artifact
from .errors import ExportError
from .formats import WRITERS
from .graphs import Arrays, asked, graph_of
from .measurement import measure
from .signature import SEQUENCE
from .workers import Workers

# The texts of examples in the order of their rows, of tasks whose files may take texts alone.
_TEXTS: Mapping[str | None, Callable[[Any], Sequence[str]]] = {
    "sequence_classification": lambda examples: examples.texts,
    None: lambda examples: examples.examples().texts,
    "sentence_embedding": lambda examples: examples.examples().texts,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextPredictor(Predictor):
    """Asks a file that takes texts alone and cuts them itself.

    Each call is a process of its own: tensorflow-text's operators for LiteRT and those of
    TensorFlow, which the tokenizer needs, do not end well in one.

    Args:
        artifact: of that file.
    """

    artifact: Artifact

    def outputs(
        self, examples: Any, observe: Observe | None = None
    ) -> tuple[Rows, dict[str, np.ndarray]]:
        """The rows that the tokenizer makes of examples, and what the file says of their texts.

        All texts are asked in one call, so that there are no batches to be observed.
        """
        task, config = self.artifact.task, self.artifact.config
        rows = self.task.rows(examples, self.tokenizer, self.labels)
        texts = _TEXTS[task](examples)
        if getattr(examples, "text_pairs", None) is not None:
            raise ValueError("The file takes single texts, received pairs of them.")
        made = self.run({"text": np.array(texts, object)})
        given = rows.inputs(np.arange(len(rows)), int(rows.lengths.max()))
        return rows, dict(graph_of(task).answer(given, made, config))


def _text_runner(artifact: Artifact, threads: int | None) -> Callable[[Arrays], Arrays]:
    # Of several lengths the longest: it holds every text.
    longest = artifact.signatures[-1:]

    def run(inputs: Arrays) -> Arrays:
        calls = [{"text": [well_formed(text)]} for text in inputs["text"]]
        made = measure(artifact, longest, calls, threads).outputs
        return {name: np.concatenate([each[name] for each in made]) for name in made[0]}

    return run


def predictor(
    source: Artifact | str | pathlib.Path,
    *,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    batch_size: int = 32,
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
        threads: of the runtime; by default one per processor. Several batches are run side by side
            by some of them, see ``Workers``, a single one by all.
        **columns: of ``Settings``: where files have their texts and labels.

    Returns:
        A ``Predictor``, called and evaluated as that of ``tasks.predictor.predictor``; of a bare
        encoder one that embeds.

    Raises:
        CorruptArtifact: files are not what was exported.
        ExportError: the artifact has no tokenizer, writes as it was exported and is asked to write
            otherwise, or takes texts alone and a length is given.
        MissingRuntime: the runtime is not installed.
        ValueError: an argument is unknown, or ``max_length`` beyond a row.
    """
    artifact = source if isinstance(source, Artifact) else Artifact.load(source)
    if not artifact.id_signatures and max_length is not None:
        raise ExportError(
            f"{artifact.path} cuts texts where it was exported to: leave max_length out, or export "
            "it with another length (--lengths)."
        )
    config, tokenizer = artifact.config, tokenizer_of(artifact)
    most = longest_row(artifact)
    task = task_for(
        artifact, tokenizer, options=options, max_length=max_length, most=most, **columns
    )
    asking = (task, tokenizer, config.labels, batch_size)
    if artifact.id_signatures:
        run = Workers(artifact, threads)
        return Predictor(asked(artifact.task, config, run), *asking, in_turn=run.map)
    return TextPredictor(_text_runner(artifact, threads), *asking, artifact=artifact)


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
