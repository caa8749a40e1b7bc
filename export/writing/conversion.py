"""From a bundle that writes to artifacts."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from keras_bert_zoo.checkpoints.writer_configs import CONFIG, GENERATION

from ..artifact import describe
from ..conversion import check_weights, write_companions, write_each
from ..digest import digest_of
from ..formats import WRITER_FORMATS

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle


def convert(
    source: str, output: pathlib.Path, names: Iterable[str], options: Mapping[str, Any]
) -> None:
    """The child's part of ``export``."""
    from keras_bert_zoo.bundle import load

    bundle = load(source, dtype="float32")
    check_weights(bundle.model)
    write_each(names, output, lambda directory, name: write(bundle, directory, name, options))


def write(bundle: Bundle, directory: pathlib.Path, name: str, options: Mapping[str, Any]) -> None:
    """Writes one format, with its companions and its manifest."""
    from keras_bert_zoo.generation.generate import end_of

    from .options import options_of

    row, model, config = WRITER_FORMATS[name], bundle.model, bundle.config
    given = {**_remembered(config, model.task), **(options["generation"] or {})}
    chosen = {**{key: options[key] for key in row.options}, "generation": given}
    most = options_of(model, given).max_new_tokens
    signatures = row.export(bundle, directory / row.file, **row.arguments, **chosen)
    ids = {"eos_token_id": end_of(model), "pad_token_id": config.pad_token_id}
    if model.task == "seq2seq":
        ids["decoder_start_token_id"] = config.decoder_start_token_id
    files = {CONFIG: config.to_dict(), GENERATION: {**given, **ids, "max_new_tokens": most}}
    write_companions(bundle, directory, files)
    describe(directory, name, model.task, signatures, chosen, digest_of(model))


def _remembered(config: Any, task: str) -> dict[str, Any]:
    """How a model writes by its fine-tuning."""
    from keras_bert_zoo.generation import GenerationOptions
    from keras_bert_zoo.tasks.task import remembered

    found = remembered(config, task)
    names = {field.name for field in dataclasses.fields(GenerationOptions)}
    return {name: x for name, x in found.get("options", {}).items() if name in names}
