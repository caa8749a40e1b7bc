"""Token ids of documents as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Documents:
    """Token ids of documents, one after the other.

    Args:
        ids: uint16 or int32 ``(T,)``.
        tokens: int64 ``(sentences,)``, of each sentence.
        sentences: int64 ``(documents,)``, of each document.
        continues: uint8 ``(T,)`` or ``None``, see ``shards``.
    """

    ids: np.ndarray
    tokens: np.ndarray
    sentences: np.ndarray
    continues: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sentences)

    def without_empty(self) -> tuple[Documents, np.ndarray]:
        """Leaves out sentences without tokens, and documents without sentences.

        Returns:
            The documents, and which are kept, bool ``(documents,)``.
        """
        document = np.repeat(np.arange(len(self)), self.sentences)
        full = self.tokens > 0
        sentences = np.bincount(document[full], minlength=len(self))
        kept = sentences > 0
        return dataclasses.replace(self, tokens=self.tokens[full], sentences=sentences[kept]), kept

    def take(self, kept: np.ndarray) -> Documents:
        """Some of the documents.

        Args:
            kept: bool ``(documents,)``.
        """
        if kept.all():
            return self
        sentences = np.repeat(kept, self.sentences)
        tokens = np.repeat(sentences, self.tokens)
        continues = None if self.continues is None else self.continues[tokens]
        return Documents(self.ids[tokens], self.tokens[sentences], self.sentences[kept], continues)

    def arrays(self) -> dict[str, np.ndarray]:
        """What a shard holds, see ``shards``."""
        arrays = {
            "input_ids": self.ids,
            "sentence_ends": np.cumsum(self.tokens, dtype=np.int32),
            "document_ends": np.cumsum(self.sentences, dtype=np.int32),
        }
        return arrays if self.continues is None else arrays | {"word_continues": self.continues}


def joined(parts: Sequence[Documents]) -> Documents:
    """Documents one after the other; at least one part."""
    words = [part.continues for part in parts if part.continues is not None]
    return Documents(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.sentences for part in parts]),
        np.concatenate(words) if words else None,
    )
