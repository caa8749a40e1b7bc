"""The tokenizer in a checkpoint's directory, and whether its entries fit the model's table."""

from __future__ import annotations

import functools
import logging
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from keras_bert_zoo.checkpoints import sources
from keras_bert_zoo.checkpoints.checkpoint import Checkpoint
from keras_bert_zoo.config import EncoderConfig
from keras_bert_zoo.models import EncoderDecoder

if TYPE_CHECKING:
    # Loads tensorflow-text, which a bundle without a tokenizer does not need.
    from keras_bert_zoo.tokenizers import Tokenizer

# Tables of words are often padded to a multiple of 8, 64 or so, as by `resize --multiple`.
_ROUNDEST = 128

_log = logging.getLogger(__name__)


def read_tokenizer(checkpoint: Checkpoint, do_lower_case: bool | None) -> Tokenizer | None:
    """Reads the tokenizer of a checkpoint, if it has one; see ``load``."""
    if not has_tokenizer(checkpoint.tokenizer):
        return None
    if do_lower_case is None and checkpoint.lower_case is not None:
        do_lower_case = checkpoint.lower_case()
    options = {} if do_lower_case is None else {"do_lower_case": do_lower_case}
    return tokenizer_in(checkpoint.tokenizer, [checkpoint.config], options)


def has_tokenizer(directory: pathlib.Path) -> bool:
    """Whether a directory has files that a tokenizer is read from."""
    return any((directory / name).is_file() for name in sources.TOKENIZERS)


def tokenizer_in(
    directory: pathlib.Path, configs: Iterable[EncoderConfig], options: dict[str, Any]
) -> Tokenizer:
    """The tokenizer of a directory, for a model with those configs, see ``configs_of``.

    Raises:
        TokenizerError: a file is damaged, or of another kind of tokenizer.
        ValueError: it has more entries than a table of the model has rows.
    """
    from keras_bert_zoo.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(directory, **options)
    files = (directory / name for name in sources.TOKENIZERS)
    _check_vocabulary(tokenizer, configs, str(next(file for file in files if file.is_file())))
    return tokenizer


def configs_of(model: Any) -> list[EncoderConfig]:
    """Of each word table of a model: what writes may read with one and write with another."""
    if isinstance(model, EncoderDecoder):
        return [model.encoder.config, model.decoder.config]
    return [model.config]


def _check_vocabulary(tokenizer: Tokenizer, configs: Iterable[EncoderConfig], where: str) -> None:
    for rows in [config.vocab_size for config in configs]:
        _check_rows(tokenizer.vocab_size, rows, where)


def _check_rows(entries: int, rows: int, where: str) -> None:
    if entries > rows:
        raise ValueError(
            f"{where} has {entries} entries, but the word table of the model only {rows} rows "
            "(vocab_size): they belong to different checkpoints."
        )
    if entries < rows:
        _note_further_rows(entries, rows)


@functools.cache  # a command may load and save a model several times
def _note_further_rows(entries: int, rows: int) -> None:
    """Warns once: a vocabulary that lost a line, and a table that was padded, look the same."""
    multiple = min(rows & -rows, _ROUNDEST)  # the largest power of two that divides it
    if rows - entries >= multiple:
        _log.warning(
            "The tokenizer has %d entries, the word table of the model %d rows (vocab_size): right "
            "if the table was padded, wrong if the vocabulary is not that of the checkpoint.",
            entries,
            rows,
        )


def check_tokenizer(tokenizer: object, *configs: EncoderConfig) -> None:
    """Raises what ``save`` would raise of a tokenizer for a model with those configs."""
    from keras_bert_zoo.tokenizers import Tokenizer

    if not isinstance(tokenizer, Tokenizer):
        raise TypeError(
            f"tokenizer must be a Tokenizer or None, received {tokenizer!r}. "
            "load_tokenizer reads one."
        )
    _check_vocabulary(tokenizer, configs, "The tokenizer")
