"""Which lengths files of fixed lengths may have; read without Keras."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from keras_bert_zoo.checkpoints import purpose, writer_configs

from .errors import ExportError

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle


def longest_of(source: pathlib.Path | Bundle) -> int:
    """Tokens of the longest row that a bundle, in a directory or in memory, reads."""
    config: Any
    if not isinstance(source, pathlib.Path):
        config = source.config
    elif writer_configs.holds(source):
        config = writer_configs.read_config(source)
    else:
        config = purpose.config_of(source)
    return getattr(config, "encoder", config).max_tokens


def checked_lengths(lengths: Iterable[int] | None, longest: int) -> tuple[int, ...] | None:
    """Returns fixed sequence lengths in ascending order if rows may be so long.

    Raises:
        ExportError: they may not, one is not a positive number, or there is none.
    """
    if lengths is None:
        return None
    given = list(lengths)
    chosen = sorted(set(given))
    if not chosen or not 0 < chosen[0] <= chosen[-1] <= longest:
        raise ExportError(
            f"lengths must be from 1 to {longest} (max_position_embeddings), received {given}."
        )
    return tuple(chosen)
