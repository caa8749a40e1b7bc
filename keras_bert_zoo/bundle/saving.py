"""A model with its tokenizer to one directory in the Hugging Face layout."""

from __future__ import annotations

import errno
import pathlib
from typing import TYPE_CHECKING, Any

import keras

from keras_bert_zoo.atomic import atomic_directory, check_switch
from keras_bert_zoo.bundle.target import check_target
from keras_bert_zoo.bundle.tokenizer_files import check_tokenizer, configs_of
from keras_bert_zoo.checkpoints import hugging_face, writers
from keras_bert_zoo.checkpoints.model_card import model_card
from keras_bert_zoo.checkpoints.sentence_transformers import write_modules
from keras_bert_zoo.checkpoints.weights import weights_of
from keras_bert_zoo.models import TASKS, WRITERS, Encoder

if TYPE_CHECKING:
    # Loads tensorflow-text, which a bundle without a tokenizer does not need.
    from keras_bert_zoo.tokenizers import Tokenizer

_EMBEDDING = "sentence_embedding"


def save(
    model: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | pathlib.Path,
    *,
    overwrite: bool = False,
    card: str | None = None,
) -> pathlib.Path:
    """Saves a bundle that ``load`` and ``transformers`` read.

    All files are written beside ``directory`` and take its place in one step: a save that
    fails or is killed leaves an older bundle as it was.

    Args:
        model: an ``Encoder``, or a task model; a ``SentenceEmbedder`` becomes a directory of
            sentence-transformers.
        tokenizer: its tokenizer; ``None`` saves none.
        directory: where to; parents are created.
        overwrite: whether an older bundle may be replaced.
        card: text of ``README.md``; by default one that states what the config knows.

    Returns:
        The directory.

    Raises:
        TypeError: the model is of no architecture this project writes, the tokenizer no
            ``Tokenizer``, or ``overwrite`` neither ``True`` nor ``False``.
        FileExistsError: the directory is in use, or holds files that no bundle has.
        OSError: the directory cannot be written, or the disk is full.
    """
    check_switch("overwrite", overwrite)
    task, config = task_of_model(model), model.config
    writes = task in WRITERS
    directory = pathlib.Path(directory)
    if tokenizer is not None:
        check_tokenizer(tokenizer, *configs_of(model))
    check_target(directory, overwrite)
    try:
        with atomic_directory(directory) as temporary:
            # What follows the encoder of an embedder lies in folders beside it.
            stored = (model.encoder, None) if task == _EMBEDDING else (model, task)
            if writes:
                writers.write(model, temporary)
            else:
                hugging_face.write(weights_of(*stored), temporary)
            if task == _EMBEDDING:
                dense = model.get_layer("dense") if model.head["dense_units"] else None
                write_modules(model.head, config.hidden_size, temporary, dense)
            if tokenizer is not None:
                tokenizer.save(temporary)
            title, crf = directory.resolve().name, getattr(model, "crf", None) is not None
            text = model_card(config, task, title, crf=crf) if card is None else card
            (temporary / "README.md").write_text(text, encoding="utf-8")
    except OSError as error:
        # The errno picks the subclass: PermissionError, FileExistsError, …
        raise OSError(
            getattr(error, "errno", None) or errno.EIO,
            f"The bundle could not be saved to {directory}: {error}. What was there before is "
            "unchanged",
        ) from error
    return directory


def task_of_model(model: keras.Model) -> str | None:
    """What ``load`` calls a model.

    Raises:
        TypeError: it is none that a bundle can hold.
    """
    kinds: tuple[Any, ...] = (
        Encoder,
        *(kind for kind in TASKS.values() if isinstance(kind, type)),
        *WRITERS.values(),
    )
    if isinstance(model, kinds):
        return model.task
    raise TypeError(
        f"model must be one of {[kind.__name__ for kind in kinds]}, received "
        f"{type(model).__name__}. The order is save(model, tokenizer, directory); of a model you "
        "extended, save the encoder."
    )
