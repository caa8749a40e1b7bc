"""Documents of a few shards as one stream of tokens. No TensorFlow."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from keras_bert_zoo.corpus.shards import Shard


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Ends counted within each part, counted through: ``[2, 5], [1]`` are ``[2, 5, 6]``."""
    shifts = np.cumsum([0, *(part[-1] for part in parts)])
    return np.concatenate([part + shift for part, shift in zip(parts, shifts, strict=False)])


@dataclasses.dataclass(frozen=True)
class Block:
    """A stream of tokens, with the ends of its sentences and documents.

    Args:
        shards: where the tokens are; they are read only where they are asked for.
        sentence_ends: int64, in tokens.
        document_ends: int64, in sentences.
    """

    shards: Sequence[Shard]
    sentence_ends: np.ndarray
    document_ends: np.ndarray

    @classmethod
    def of(cls, shards: Sequence[Shard]) -> Block:
        """Joins shards, none of them empty."""
        return cls(
            shards,
            _joined([shard.sentence_ends.astype("int64") for shard in shards]),
            _joined([shard.document_ends.astype("int64") for shard in shards]),
        )

    @functools.cached_property
    def sentence_starts(self) -> np.ndarray:
        """Where each sentence starts, in tokens."""
        return np.concatenate([[0], self.sentence_ends[:-1]])

    @functools.cached_property
    def document_starts(self) -> np.ndarray:
        """Where each document starts, in sentences."""
        return np.concatenate([[0], self.document_ends[:-1]])

    @functools.cached_property
    def document(self) -> np.ndarray:
        """The document of each sentence."""
        return np.repeat(
            np.arange(len(self.document_ends)), self.document_ends - self.document_starts
        )

    def tokens(self, places: np.ndarray) -> np.ndarray:
        """The tokens at some places of the stream, int32."""
        return self._read("input_ids", places)

    def word_continues(self, places: np.ndarray) -> np.ndarray:
        """1 where a token goes on with the word before it, int32."""
        return self._read("word_continues", places)

    def _read(self, name: str, places: np.ndarray) -> np.ndarray:
        read, end = np.empty(len(places), "int32"), 0
        for shard in self.shards:
            # A plain array: indexing a memmap costs several times as much.
            array = np.asarray(getattr(shard, name))
            start, end = end, end + len(array)
            here = (start <= places) & (places < end)
            read[here] = array[places[here] - start]
        return read
