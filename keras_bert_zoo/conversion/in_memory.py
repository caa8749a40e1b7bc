"""A model in memory is written in one of the formats."""

from __future__ import annotations

import pathlib

import keras

from keras_bert_zoo.atomic import check_switch
from keras_bert_zoo.bundle.tokenizer_files import check_tokenizer
from keras_bert_zoo.conversion.content import content_of
from keras_bert_zoo.conversion.convert import checked_directory, write
from keras_bert_zoo.conversion.targets import TARGETS
from keras_bert_zoo.tokenizers import Tokenizer


def write_google(
    model: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | pathlib.Path,
    *,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model as ``load`` and Google's scripts of TensorFlow 1 read it.

    The files are ``bert_config.json``, ``bert_model.ckpt.*`` and the tokenizer's; of the latter
    Google's scripts read ``vocab.txt`` alone.

    Args:
        model: a ``BertEncoder``, or a model for a task around one.
        tokenizer: its tokenizer; ``None`` writes none.
        directory: where to; parents are created.
        overwrite: whether an older checkpoint may be replaced.

    Returns:
        The directory.

    Raises:
        TypeError, ValueError: the model is none that these files can hold.
        FileExistsError: the directory is in use, or holds other files than a checkpoint's.
        OSError: a file cannot be written.
    """
    return _write_model(model, tokenizer, directory, "google", overwrite)


def write_keras_hub(
    model: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | pathlib.Path,
    *,
    allow_tanh_gelu: bool = False,
    overwrite: bool = False,
) -> pathlib.Path:
    """Writes a model as a preset that keras-hub's ``from_preset`` loads.

    An encoder becomes a backbone, a ``SequenceClassifier`` a text classifier that returns
    logits, a ``SentenceEmbedder`` a text embedder, a ``PretrainingModel`` for words alone a masked
    language model where keras-hub's computes the same; of another one the encoder is written.
    Names of classes have no place in a preset.

    Args:
        model: the model, of an architecture that keras-hub has: see ``PRESETS``.
        tokenizer: its tokenizer; ``None`` writes none.
        directory: where to; parents are created.
        allow_tanh_gelu: as for ``convert``.
        overwrite: whether an older checkpoint may be replaced.

    Returns:
        The directory.

    Raises:
        TypeError: the model is of a kind that keras-hub does not have.
        ValueError: keras-hub would compute other numbers, or cannot read texts as the tokenizer
            does; the message says why.
        FileExistsError: the directory is in use, or holds other files than a checkpoint's.
        OSError: a file cannot be written.
    """
    return _write_model(model, tokenizer, directory, "keras-hub", overwrite, allow_tanh_gelu)


def _write_model(
    model: keras.Model,
    tokenizer: Tokenizer | None,
    directory: str | pathlib.Path,
    to: str,
    overwrite: bool,
    allow_tanh_gelu: bool = False,
) -> pathlib.Path:
    path, target = checked_directory(directory, overwrite), TARGETS[to]
    check_switch("allow_tanh_gelu", allow_tanh_gelu)
    if tokenizer is not None:
        check_tokenizer(tokenizer, model.config)
    said = {"source": model.name, "layout": "keras", "target": to, "dtype": None}
    content = content_of(model, tokenizer, lambda dtype: model)
    content = target.fitted(content, allow_tanh_gelu)
    return write(content, path, target, said, False, lambda *_: None).directory
