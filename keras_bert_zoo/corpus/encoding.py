"""Units of text to token ids, sentence by sentence. TensorFlow-only."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo.corpus.arrays import Documents
from keras_bert_zoo.corpus.documents import read_text
from keras_bert_zoo.corpus.reading import Unit
from keras_bert_zoo.corpus.sentences import SENTENCE
from keras_bert_zoo.tokenizers.wordpiece_files import WordPieceFiles
from keras_bert_zoo.tokenizers.wordpiece_segmenter import WordPieceSegmenter

# Characters that BERT makes a word each; of tokens the first character tells.
_CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A unit as token ids.

    Args:
        documents: those with a token in them.
        hashes: bytes of 16 ``(documents,)``: of the text with its white space collapsed.
        bytes: of text.
        empty: documents that were left out because no token is in them.
        invalid: characters that were broken.
    """

    documents: Documents
    hashes: np.ndarray
    bytes: int
    empty: int
    invalid: int


class Encoder:
    """Encodes units.

    Args:
        tokenizer: directory of its files.
        invalid_utf8: see ``documents.read_text``.
        text_column: of JSON lines.
        words: ``"spaces"`` if the text is cut into words by spaces, where the script is
            written without them.
    """

    def __init__(
        self,
        tokenizer: str | os.PathLike[str],
        *,
        invalid_utf8: str = "replace",
        text_column: str = "text",
        words: str = "none",
    ) -> None:
        source = WordPieceFiles().read(pathlib.Path(tokenizer))
        segmenter = WordPieceSegmenter(source)
        self._reading = {"invalid_utf8": invalid_utf8, "text_column": text_column}
        self._segment = tf.function(
            lambda texts: segmenter(texts).ids,
            input_signature=[tf.TensorSpec([None], tf.string)],
        )
        self._type = np.uint16 if len(source.vocabulary) <= 1 << 16 else np.int32
        self._words = _Words(source.vocabulary) if words == "spaces" else None

    def __call__(self, unit: Unit) -> Encoded:
        """Encodes one unit."""
        texts = [read_text(part, **self._reading) for part in unit.parts]
        found = list(itertools.chain.from_iterable(text.documents() for text in texts))
        sentences = [document.split(SENTENCE) for document in found]
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        flat = list(itertools.chain.from_iterable(sentences))
        documents, kept = self._documents(flat, lengths).without_empty()
        hashes = np.array([_digest(document) for document in found], "S16")[kept]
        return Encoded(
            documents,
            hashes,
            bytes=unit.size,
            empty=len(found) - len(hashes),
            invalid=sum(text.invalid for text in texts),
        )

    def _documents(self, sentences: list[str], lengths: np.ndarray) -> Documents:
        if self._words is None:
            ids, counts = self._ids(sentences)
            return Documents(ids, counts, lengths)
        words = [sentence.split() for sentence in sentences]
        ids, pieces = self._ids(list(itertools.chain.from_iterable(words)))
        ends = np.cumsum([len(each) for each in words], dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(pieces)])
        counts = np.diff(before[ends], prepend=0)
        return Documents(ids, counts, lengths, self._words.continues(ids, pieces))

    def _ids(self, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        rows = self._segment(tf.constant([text.encode() for text in texts], tf.string))
        ids = rows.flat_values.numpy().astype(self._type)
        return ids, rows.row_lengths().numpy()


class _Words:
    """Which tokens go on with the word before them.

    Args:
        vocabulary: tokens in the order of their ids.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._pieces = np.array([token.startswith("##") for token in vocabulary])
        self._chinese = np.array([_is_chinese(token.removeprefix("##")) for token in vocabulary])

    def continues(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """1 for ``##`` pieces, and for Chinese after Chinese inside a word: uint8 ``(T,)``.

        Args:
            ids: ``(T,)``.
            lengths: tokens of each word.
        """
        chinese = self._chinese[ids]
        inside = np.ones(len(ids), bool)
        starts = np.cumsum(lengths) - lengths
        inside[starts[lengths > 0]] = False
        after = np.concatenate([[False], chinese[:-1]])[: len(ids)]
        return (self._pieces[ids] | (inside & chinese & after)).astype(np.uint8)


def _is_chinese(text: str) -> bool:
    return bool(text) and any(first <= ord(text[0]) <= last for first, last in _CHINESE)


def _digest(document: str) -> bytes:
    text = " ".join(document.replace(SENTENCE, " ").split())
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
