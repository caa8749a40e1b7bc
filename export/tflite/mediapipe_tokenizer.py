"""The tokenizer of MediaPipe Tasks, to tell which texts it cuts otherwise than BERT's does.

Its rules, as ``bert_tokenizer.cc`` and ``bert_preprocessor_calculator.cc`` of MediaPipe have
them and as its own runtime was seen to apply them: only ASCII is lower-cased, accents and
control characters stay, white space is ASCII's, words are limited in bytes, and special
tokens in a text are words like others. Python only.
"""

from __future__ import annotations

import string
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..signature import SEQUENCE
from .metadata import VOCABULARY_FILE

if TYPE_CHECKING:
    from ..artifact import Artifact

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# What RE2 calls white space.
_SPACE = frozenset("\t\n\f\r ")
_MAX_BYTES_PER_WORD = 100
_CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
# Punctuation of Unicode 15 and 16, which MediaPipe 1.2.2 knows and older Pythons do not.
_NEWER_PUNCTUATION = (
    (0x1B4E, 0x1B4F),
    (0x1B7F, 0x1B7F),
    (0x10D6E, 0x10D6E),
    (0x10ED0, 0x10ED0),
    (0x113D4, 0x113D5),
    (0x113D7, 0x113D8),
    (0x11B00, 0x11B09),
    (0x11BE1, 0x11BE1),
    (0x11F43, 0x11F4F),
    (0x16D6D, 0x16D6F),
    (0x1E5FF, 0x1E5FF),
)
_SEPARATE = (*_CHINESE, *_NEWER_PUNCTUATION)


class MediaPipeTokenizer:
    """Texts to the ids that MediaPipe gives a model.

    Args:
        vocabulary: tokens in the order of their ids, with ``[UNK]``, ``[CLS]``, ``[SEP]``.
        length: tokens in a row of the model.
    """

    def __init__(self, vocabulary: Sequence[str], length: int) -> None:
        self._ids = {token: index for index, token in enumerate(vocabulary)}
        self._length = length

    @classmethod
    def of(cls, artifact: Artifact) -> MediaPipeTokenizer:
        """With the vocabulary in the file and the length of the signature."""
        with zipfile.ZipFile(artifact.file) as archive:
            lines = archive.read(VOCABULARY_FILE).decode().removesuffix("\n").split("\n")
        length = artifact.signature.size(SEQUENCE)
        assert length is not None  # the metadata is written with a fixed length only
        return cls(lines, length)

    def __call__(self, text: str) -> list[int]:
        """Returns the ids from ``[CLS]`` to ``[SEP]``, truncated, without padding."""
        # The text passes through an interface of C, where NUL ends it.
        text = text.partition("\0")[0].translate(_LOWER)
        pieces = [piece for word in _words(text) for piece in self._pieces(word)]
        return [self._ids["[CLS]"], *pieces[: self._length - 2], self._ids["[SEP]"]]

    def _pieces(self, word: str) -> list[int]:
        unknown = [self._ids["[UNK]"]]
        if len(word.encode(errors="replace")) > _MAX_BYTES_PER_WORD:
            return unknown
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self._ids), None)
            if end is None:
                return unknown
            pieces.append(self._ids[prefix + word[start:end]])
            start = end
        return pieces


def different_texts(
    tokenizer: MediaPipeTokenizer, texts: Iterable[str], ids: Iterable[Sequence[int]]
) -> list[str]:
    """The texts that MediaPipe cuts otherwise.

    Args:
        tokenizer: MediaPipe's, over the same vocabulary.
        texts: any.
        ids: what another tokenizer makes of each, truncated to the same length, without
            padding.
    """
    return [text for text, right in zip(texts, ids, strict=True) if tokenizer(text) != right]


def _words(text: str) -> Iterator[str]:
    """Words, punctuation and Chinese characters."""
    word = ""
    for character in text:
        alone = _stands_alone(character)
        if alone or character in _SPACE:
            if word:
                yield word
            if alone:
                yield character
            word = ""
        else:
            word += character
    if word:
        yield word


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return character in string.punctuation
    return unicodedata.category(character).startswith("P") or any(
        first <= ord(character) <= last for first, last in _SEPARATE
    )
