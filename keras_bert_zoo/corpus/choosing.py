"""Which documents of a unit are kept, and which of them are held out."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_bert_zoo.corpus.arrays import Documents
from keras_bert_zoo.corpus.counts import Counts
from keras_bert_zoo.corpus.encoding import Encoded


@dataclasses.dataclass(frozen=True)
class Kept:
    """What is left of a unit.

    Args:
        sides: documents to learn from, and those held out.
        counts: of the unit.
    """

    sides: tuple[Documents, Documents]
    counts: Counts

    @property
    def tokens(self) -> int:
        """Tokens of both sides."""
        return self.counts.tokens


def choose(encoded: Encoded, first: np.ndarray, held_out: float, unknown: int) -> Kept:
    """Leaves out duplicates and divides the rest.

    Args:
        encoded: a unit.
        first: which documents were not there before, bool ``(documents,)``.
        held_out: part of the documents; their hashes choose.
        unknown: id of the unknown token.
    """
    # The first half of a hash as a number: the same text is always on the same side.
    numbers = np.frombuffer(encoded.hashes.tobytes(), ">u8")[::2]
    apart = numbers < np.uint64(held_out * 2.0**64)
    documents = encoded.documents
    sides = documents.take(first & ~apart), documents.take(first & apart)
    left_out = Counts(
        bytes=encoded.bytes,
        duplicate_documents=int((~first).sum()),
        empty_documents=encoded.empty,
        invalid_characters=encoded.invalid,
    )
    return Kept(sides, sum((count(side, unknown) for side in sides), left_out))


def count(documents: Documents, unknown: int) -> Counts:
    """Counts documents; see ``Counts``."""
    return Counts(
        documents=len(documents),
        sentences=len(documents.tokens),
        tokens=len(documents.ids),
        unknown_tokens=int((documents.ids == unknown).sum()),
    )
