"""Which kind of tokenizer a directory holds. TensorFlow-only."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.tokenizers.byte_bpe import ByteBpeTokenizer
from keras_bert_zoo.tokenizers.files import (
    TOKENIZER_FILE,
    model_type,
    no_tokenizer,
    read_config,
)
from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.presets import is_preset
from keras_bert_zoo.tokenizers.text_files import read_json
from keras_bert_zoo.tokenizers.tokenizer import Tokenizer
from keras_bert_zoo.tokenizers.unigram import UnigramTokenizer
from keras_bert_zoo.tokenizers.wordpiece import WordPieceTokenizer

KINDS: tuple[type[Tokenizer[Any]], ...] = (WordPieceTokenizer, ByteBpeTokenizer, UnigramTokenizer)


def load_tokenizer(directory: str | os.PathLike[str], **options: Any) -> Tokenizer[Any]:
    """Reads the tokenizer of a directory, of whichever kind it is.

    The model in ``tokenizer.json`` tells the kind; where there is no such file,
    ``tokenizer_class`` in ``tokenizer_config.json``, and at last the files of a vocabulary.

    Args:
        directory: with the files.
        **options: keys of ``tokenizer_config.json`` that count instead of what it says.

    Raises:
        FileNotFoundError: there are no files of a tokenizer.
        TokenizerError: a file is corrupt, or describes a kind that is not supported; the kind
            has no such option.
    """
    path = pathlib.Path(directory)
    file = path / TOKENIZER_FILE
    content = read_json(file) if file.is_file() else None
    kind = _kind(path, content)
    return kind.from_source(kind.files.read(path, content, **options))


def _kind(directory: pathlib.Path, content: Mapping[str, Any] | None) -> type[Tokenizer[Any]]:
    if content is not None:
        return _kind_of(content, directory / TOKENIZER_FILE)
    stated = str(read_config(directory).get("tokenizer_class")).removesuffix("Fast")
    there = [kind for kind in KINDS if kind.files.has_vocabulary(directory)]
    if not there:
        raise no_tokenizer(directory, [kind.files.vocabulary_title for kind in KINDS])
    return next((kind for kind in there if stated in kind.files.classes), there[0])


def _kind_of(content: Mapping[str, Any], file: pathlib.Path) -> type[Tokenizer[Any]]:
    """The kind that a ``tokenizer.json`` states, of Hugging Face or of keras-hub."""
    if is_preset(content):
        what, found = "the class of keras-hub", content.get("class_name")
        kinds = {name: kind for kind in KINDS for name in kind.files.preset.classes}
    else:
        what, found = "the model", model_type(content)
        kinds = {kind.files.model: kind for kind in KINDS}
    if found not in kinds:
        raise TokenizerError(
            f"{file}: {what} is {found or 'missing'}, supported are {sorted(kinds)}"
        )
    return kinds[found]
