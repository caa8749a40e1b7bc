"""What the files of a checkpoint say it is, weights unread. Loads no Keras."""

from __future__ import annotations

import pathlib

from keras_bert_zoo.checkpoints import tables, writer_configs
from keras_bert_zoo.checkpoints.heads import stated_class
from keras_bert_zoo.checkpoints.layouts import layout_of
from keras_bert_zoo.checkpoints.sentence_transformers import is_sentence_directory, read_modules
from keras_bert_zoo.config import EncoderConfig


def trained_for(directory: pathlib.Path) -> str | None:
    """The task that a checkpoint says it is for; ``None`` is a bare encoder."""
    if is_sentence_directory(directory):
        return "sentence_embedding"
    if writer_configs.holds(directory):
        return writer_configs.task_of(writer_configs.read_config(directory))
    config = config_of(directory)
    classes = tables.architecture(config.model_type).classes
    return {name: task for task, name in classes.items()}.get(stated_class(config) or "")


def config_of(directory: pathlib.Path) -> EncoderConfig:
    """The config of the encoder."""
    directory = read_modules(directory).encoder
    return layout_of(directory).read_config(directory)


def on_request() -> set[str]:
    """Tasks that a checkpoint is loaded for only where they are named."""
    heads = (name for each in tables.ARCHITECTURES.values() for name in each.on_request)
    return {"sentence_embedding", *heads}
