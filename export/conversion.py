"""From a bundle to artifacts, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_bert_zoo import zoo
from keras_bert_zoo.atomic import atomic_directory, check_switch, remove_leftovers
from keras_bert_zoo.checkpoints import sources, writer_configs
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.tasks import TASKS

from . import process
from .artifact import Artifact, describe
from .digest import digest_of
from .errors import ExportError
from .fidelity import LEAST, checked_least
from .formats import (
    ENCODERS,
    FORMATS,
    KNOWN_FORMATS,
    WHOLE_TEXTS,
    WRITERS,
    Format,
    Kind,
    checked_formats,
)
from .onnx import huggingface
from .progress import Steps
from .representative import OPTION, chosen_examples, halves
from .row_lengths import checked_lengths, longest_of
from .signature import Signature
from .tflite import mediapipe

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle


def export(
    source: str | pathlib.Path | Bundle,
    output: str | pathlib.Path,
    formats: Iterable[str] | None = None,
    *,
    task: str | None = None,
    lengths: int | Iterable[int] | None = None,
    storage: Mapping[str, str] | None = None,
    metadata: str | None = None,
    normalize: bool = False,
    examples: Examples | None = None,
    min_fidelity: float = LEAST,
    generation: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> list[Artifact]:
    """Exports a bundle, each format to a directory of its own: ``output/FORMAT``.

    The conversion runs in a child process, so that the caller neither loads TensorFlow nor
    grows. A directory appears whole or not at all; formats that were finished before
    another one failed stay.

    Args:
        source: what ``bundle.load`` takes, or a bundle in memory.
        output: where to; created if need be.
        formats: keys of ``FORMATS``, or for a model that writes of ``WRITER_FORMATS``; by default
            those of ``Kind.defaults``.
        task: of ``load``, for heads that it loads when they are asked for: ``"masked_lm"``,
            ``"next_sentence"``, ``"sentence_embedding"``.
        lengths: tokens in a row of the TFLite files, one or several; ``None`` leaves it open. Files
            that write read one, by default 128, or as many as the encoder can.
        storage: of each weight of ``tflite-mixed``, as ``quantize`` finds it; by default 4 bits
            for words and feed-forward layers, 8 for the rest.
        metadata: ``"mediapipe"`` makes the TFLite files ones that MediaPipe Tasks load; see
            ``docs/mobile.md``.
        normalize: whether the embeddings of such a file are divided by their length.
        examples: texts of the kind that the model will see, for formats with fixed scales of
            activations: up to 200 of them, half to find the scales, half to measure what was
            lost. They are not kept.
        min_fidelity: such a format is refused if its figure, see ``Artifact.fidelity``, is
            below.
        generation: how a model writes, of ``GenerationOptions``; by default as it was trained to.
            SavedModels hold it in their graph; loops around files take the likeliest tokens, up to
            ``max_new_tokens``, and find the rest in ``generation_config.json``.
        overwrite: whether artifacts that exist may be replaced.
        progress: whether to show it on the terminal.

    Returns:
        The artifacts, in the order of ``formats``.

    Raises:
        ExportError: a format is unknown or cannot hold the model, an option is for other formats,
            a length is beyond the position table, the metadata cannot be had, texts are missing
            or not wanted, or a format falls apart on them.
        FileExistsError: an artifact exists and may not be replaced.
        FileNotFoundError, ValueError: there is no such bundle.
        MissingRuntime: a package that a format needs is not installed.
        OSError: the output cannot be written, or the disk is full.
    """
    check_switch("overwrite", overwrite)
    check_switch("normalize", normalize)
    if task is not None and task not in TASKS:
        raise ExportError(f"task must be one of {sorted(TASKS)} or None, received {task!r}.")
    output = pathlib.Path(output)
    if isinstance(source, str | pathlib.Path):
        source = sources.resolve(zoo.resolve(source))
    kind = _kind_of(source)
    names = checked_formats(kind.defaults if formats is None else formats, kind)
    options: dict[str, Any] = {
        "task": task,
        "lengths": [lengths] if isinstance(lengths, int) else lengths and list(lengths),
        "storage": storage and dict(storage),
        "metadata": metadata,
        "normalize": normalize,
        "generation": generation and dict(generation),
    }
    if kind is not ENCODERS:
        bound = None if min_fidelity == LEAST else min_fidelity
        _check_of_writers(kind, {**options, "min_fidelity": bound})
        if generation:
            # Loads TensorFlow, which only these have to: a mistake is told before a model is read.
            from .writing.options import checked_generation

            checked_generation(generation)
    mediapipe.check_options(options, names)
    _check_wanted(options, names)
    options[OPTION] = chosen_examples(examples, names)
    options["min_fidelity"] = checked_least(min_fidelity)
    check_free(output, names, overwrite)
    if options["lengths"] is not None:
        checked_lengths(options["lengths"], longest_of(source))
    try:
        with as_directory(source) as directory, Steps(names, visible=progress) as steps:
            request = (kind.convert, directory, output, names, options)
            process.call(*request, on_event=steps.start)
    finally:
        for name in names:  # a child that was killed could not do it
            remove_leftovers(output / name)
    return [Artifact.load(output / name) for name in names]


def _kind_of(source: pathlib.Path | Bundle) -> Kind:
    """Which formats a source goes to, its weights unread."""
    if not isinstance(source, pathlib.Path):
        return WRITERS.get(source.model.task or "", ENCODERS)
    if not writer_configs.holds(source):
        return ENCODERS
    return WRITERS[writer_configs.task_of(writer_configs.read_config(source))]


def write_each(
    names: Iterable[str], output: pathlib.Path, write: Callable[[pathlib.Path, str], None]
) -> None:
    """Writes each format to a directory that appears whole or not at all; the child's part."""
    for name in names:
        process.emit(name)
        with atomic_directory(output / name) as directory:
            write(directory, name)


def convert(
    source: str, output: pathlib.Path, names: Iterable[str], options: Mapping[str, Any]
) -> None:
    """The child's part of ``export``."""
    from .graphs import load_graph

    bundle = load_graph(source, options.get("task"))
    _check_answers(bundle, names, options)
    check_weights(bundle.model)
    write_each(names, output, lambda directory, name: _write(bundle, directory, name, options))


def _check_answers(bundle: Bundle, names: Iterable[str], options: Mapping[str, Any]) -> None:
    """Refuses formats that answer texts otherwise than the task does, or not at all."""
    from keras_bert_zoo.tasks.task import remembered

    from .savedmodel.task_signatures import SIGNATURES

    task = bundle.model.task
    whole = [name for name in names if FORMATS[name].whole_texts]
    if whole and remembered(bundle.config, task).get("pairs"):
        raise ExportError(
            f"{whole} take single texts, and the bundle has learned pairs of them. Export it to "
            "'savedmodel', which takes both, or to a format that takes ids, e.g. 'tflite-int8'."
        )
    if options.get("metadata"):
        whole.append(f"metadata={options['metadata']!r}")
    if task not in WHOLE_TEXTS and whole:
        raise ExportError(
            f"{whole} are for classifiers, encoders and embedders; the bundle is a model for "
            f"{task!r}. Export it to a format that takes ids, e.g. 'tflite-int8'."
        )
    texts = [name for name in names if FORMATS[name].runtime == "tensorflow-text"]
    if task not in (*WHOLE_TEXTS, *SIGNATURES) and texts:
        raise ExportError(
            f"{texts} answer strings, which tasks of your own ({task!r}) do not. Name formats that "
            "take ids, e.g. 'savedmodel-ids', 'tflite' or 'onnx'."
        )


def _write(bundle: Bundle, directory: pathlib.Path, name: str, options: Mapping[str, Any]) -> None:
    """One format, with its companions and its manifest."""
    from . import judgement
    from .encoding import trained_length

    row = FORMATS[name]
    chosen = {key: options[key] for key in row.options}
    if row.length and chosen["lengths"] is None:
        longest = trained_length(bundle.config, bundle.model.task)
        chosen["lengths"] = [min(row.length, longest)]
    fitted, judged = halves(chosen[OPTION]) if OPTION in chosen else (None, None)
    given = chosen if fitted is None else {**chosen, OPTION: fitted}
    signatures = row.export(bundle, directory / row.file, **row.arguments, **given)
    _add_companions(bundle, directory, row, signatures)
    fidelity = None
    if fitted is not None and judged is not None:
        chosen[OPTION] = len(fitted)  # the texts stay with the user
        artifact = Artifact(directory, name, bundle.model.task, tuple(signatures), chosen)
        fidelity = judgement.fidelity_of(bundle, artifact, judged)
        fidelity.check(name, options["min_fidelity"])
    task, weights = bundle.model.task, digest_of(bundle.model)
    describe(directory, name, task, signatures, chosen, weights, fidelity)


def _add_companions(
    bundle: Bundle, directory: pathlib.Path, row: Format, signatures: Iterable[Signature]
) -> None:
    """What a client needs beside the model: config and labels, and the tokenizer."""
    config = bundle.config.to_dict()
    files: dict[str, Any] = {"config.json": config}
    if row.dtype:
        files = huggingface.companions(config, directory / row.file, row.dtype, signatures)
    write_companions(bundle, directory, files)


def write_companions(bundle: Bundle, directory: pathlib.Path, files: Mapping[str, Any]) -> None:
    """Writes JSON files, their content by name, and the tokenizer."""
    for name, content in files.items():
        (directory / name).parent.mkdir(exist_ok=True)
        text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
        (directory / name).write_text(text + "\n", encoding="utf-8")
    if bundle.tokenizer is not None:
        bundle.tokenizer.save(directory)


def _check_of_writers(kind: Kind, options: Mapping[str, Any]) -> None:
    """Refuses what only encoders have."""
    given = [name for name, value in options.items() if value and name not in _OF_WRITERS]
    if given:
        raise ExportError(
            f"{given} are for encoders; {kind.name} take {[*_OF_WRITERS]}. Leave them out."
        )
    if options["lengths"] and len(options["lengths"]) > 1:
        raise ExportError(f"Files that write read one length, received {options['lengths']}.")


_OF_WRITERS = ("generation", "lengths")


def _check_wanted(options: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuses options that none of the formats takes."""
    for option in ("lengths", "storage", "generation"):
        takers = [name for name, row in KNOWN_FORMATS.items() if option in row.options]
        if options[option] and not set(names) & set(takers):
            raise ExportError(
                f"{option}={options[option]} are for the formats {takers}, received {list(names)}. "
                f"Leave {option} out, or add one of those formats."
            )


def check_weights(model: Any) -> None:
    """Refuses numbers that a training which diverged leaves."""
    odd = [w.path for w in model.weights if not np.isfinite(w.numpy()).all()]
    if odd:
        raise ExportError(
            f"{len(odd)} weights hold NaN or infinity, first {odd[0]}. The training diverged: go "
            "back to an earlier checkpoint, or train with a lower learning rate."
        )


def check_free(output: pathlib.Path, names: Iterable[str], overwrite: bool) -> None:
    """Refuses to replace artifacts that nobody said may be replaced.

    Raises:
        FileExistsError: there are such artifacts.
        NotADirectoryError: the output is a file, or in one.
    """
    if file := next((path for path in (output, *output.parents) if path.is_file()), None):
        raise NotADirectoryError(
            f"output must be a directory, received {str(output)!r}: {str(file)!r} is a file. Name "
            "another directory."
        )
    taken = [str(output / name) for name in names if (output / name).exists()]
    if taken and not overwrite:
        raise FileExistsError(
            f"{taken} exist. Pass overwrite=True (--overwrite) to replace them, or another output."
        )


@contextlib.contextmanager
def as_directory(source: Any) -> Iterator[str]:
    """The source by name; a bundle in memory is saved where the child can load it."""
    if isinstance(source, str | pathlib.Path):
        yield str(source)
        return
    from keras_bert_zoo.bundle import save

    with tempfile.TemporaryDirectory() as directory:
        yield str(save(source.model, source.tokenizer, pathlib.Path(directory) / "bundle"))
