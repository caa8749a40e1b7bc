"""The layouts of published checkpoints, and which one a path has."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import NamedTuple

from keras_bert_zoo.checkpoints import (
    google,
    hugging_face,
    keras_hub_presets,
    saved_models,
)
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.config import EncoderConfig


class Layout(NamedTuple):
    """How one kind of checkpoint is read.

    Args:
        name: for messages and manifests.
        holds: whether a path has it.
        read_config: reads what kind of model is there.
        read: opens the checkpoint.
    """

    name: str
    holds: Callable[[pathlib.Path], bool]
    read_config: Callable[[pathlib.Path], EncoderConfig]
    read: Callable[[pathlib.Path], Checkpoint]


_HUGGING_FACE = Layout("hf", hugging_face.holds, hugging_face.read_config, hugging_face.read)
# The first that fits; what fits none is read as Hugging Face's, which says what is missing.
LAYOUTS = (
    Layout(
        "keras-hub", keras_hub_presets.holds, keras_hub_presets.read_config, keras_hub_presets.read
    ),
    _HUGGING_FACE,
    Layout("google", google.holds, google.read_config, google.read),
    Layout("savedmodel", saved_models.holds, saved_models.read_config, saved_models.read),
)


def layout_of(path: pathlib.Path) -> Layout:
    """Returns the layout of a directory, or of the prefix of a TensorFlow checkpoint."""
    return next((layout for layout in LAYOUTS if layout.holds(path)), _HUGGING_FACE)
