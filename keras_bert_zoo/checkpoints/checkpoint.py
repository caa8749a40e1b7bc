"""What is in a published checkpoint, whatever its layout, and what is written to one."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

from keras_bert_zoo.checkpoints.tables import Row
from keras_bert_zoo.checkpoints.tensors import Tensor
from keras_bert_zoo.config import EncoderConfig


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """What was found.

    Args:
        config: of the model.
        tensors: by the names of the table; those of no row by their own.
        names: what the tensors are called in the files.
        skipped: further tensors, by their names in the files, and what they are.
        tokenizer: directory of the tokenizer's files, if there are any.
        lower_case: finds out whether the tokenizer lowers the case, and warns where that is not
            sure; ``None`` where its files say it.
    """

    config: EncoderConfig
    tensors: Mapping[str, Tensor]
    names: Mapping[str, str]
    skipped: Mapping[str, str]
    tokenizer: pathlib.Path
    lower_case: Callable[[], bool] | None = None


@dataclasses.dataclass(frozen=True)
class ModelWeights:
    """The weights of one model, to be written.

    Args:
        config: of the model.
        task: of the model; ``None`` is an encoder.
        rows: all there is, in the order in which it is stored.
        tensors: by the names of the table.
    """

    config: EncoderConfig
    task: str | None
    rows: tuple[Row, ...]
    tensors: Mapping[str, Tensor]
