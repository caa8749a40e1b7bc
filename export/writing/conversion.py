"""From a bundle that writes to artifacts, in a process of its own."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from keras_bert_zoo.atomic import check_switch
from keras_bert_zoo.checkpoints.writers import GENERATION

from ..artifact import Artifact, describe
from ..conversion import check_weights, in_child, write_companions, write_each
from ..digest import digest_of
from ..errors import ExportError
from ..formats import WRITER_FORMATS, checked_formats

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle


def export_writer(
    source: str | pathlib.Path | Bundle,
    output: str | pathlib.Path,
    formats: Iterable[str],
    *,
    length: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
    **generation: Any,
) -> list[Artifact]:
    """Exports a model that writes, each format to ``output/FORMAT``; see ``export``.

    Args:
        source: what ``bundle.load`` takes, or a bundle in memory, with a model that writes.
        output: where to; created if need be.
        formats: keys of ``WRITER_FORMATS``.
        length: tokens that the TFLite files read; 128 by default, or what the encoder can.
        overwrite: whether artifacts that exist may be replaced.
        progress: whether to show it on the terminal.
        **generation: of ``GenerationOptions``: SavedModels hold them in their graph, of the others
            ``max_new_tokens`` counts, and all are in ``generation_config.json``.

    Returns:
        The artifacts, in the order of ``formats``.

    Raises:
        ExportError: a format is unknown or cannot hold the model, or the options cannot be held.
        FileExistsError: an artifact exists and may not be replaced.
        FileNotFoundError, ValueError: there is no such bundle, or an option is out of range.
        MissingRuntime: a package that a format needs is not installed.
    """
    check_switch("overwrite", overwrite)
    names, output = checked_formats(formats, WRITER_FORMATS), pathlib.Path(output)
    options = {"length": length, "generation": generation}
    return in_child(convert, source, output, names, options, overwrite=overwrite, progress=progress)


def convert(
    source: str, output: pathlib.Path, names: Iterable[str], options: Mapping[str, Any]
) -> None:
    """The child's part of ``export_writer``."""
    from keras_bert_zoo.bundle import load
    from keras_bert_zoo.models import Writer

    bundle = load(source, dtype="float32")
    if not isinstance(bundle.model, Writer):
        raise ExportError(
            f"{source} holds a model for {bundle.model.task!r}, which does not write. Use `export`."
        )
    check_weights(bundle.model)
    write_each(names, output, lambda directory, name: write(bundle, directory, name, options))


def write(bundle: Bundle, directory: pathlib.Path, name: str, options: Mapping[str, Any]) -> None:
    """Writes one format, with its companions and its manifest."""
    from keras_bert_zoo.generation.generate import end_of

    from .options import options_of

    row, model, config = WRITER_FORMATS[name], bundle.model, bundle.config
    chosen = {key: options[key] for key in row.options}
    given = options["generation"]
    most = options_of(model, given).max_new_tokens
    signatures = row.export(bundle, directory / row.file, **row.arguments, **chosen)
    ids = {"eos_token_id": end_of(model), "pad_token_id": config.pad_token_id}
    if model.task == "seq2seq":
        ids["decoder_start_token_id"] = config.decoder_start_token_id
    files = {"config.json": config.to_dict(), GENERATION: {**given, **ids, "max_new_tokens": most}}
    write_companions(bundle, directory, files)
    describe(directory, name, model.task, signatures, chosen, digest_of(model))
