"""What was counted while shards were written."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass
class Counts:
    """Sums over units.

    Args:
        bytes: of text.
        documents: that were kept, held-out ones too.
        sentences: of these.
        tokens: of these.
        unknown_tokens: of these, the unknown one.
        duplicate_documents: left out because their text was there before.
        empty_documents: left out because they have no token.
        invalid_characters: that were broken, and replaced.
    """

    bytes: int = 0
    documents: int = 0
    sentences: int = 0
    tokens: int = 0
    unknown_tokens: int = 0
    duplicate_documents: int = 0
    empty_documents: int = 0
    invalid_characters: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self.values(), other.values(), strict=True)))

    def values(self) -> tuple[int, ...]:
        """The numbers, in the order above."""
        return dataclasses.astuple(self)

    def as_dict(self) -> dict[str, Any]:
        """The numbers by name."""
        return dataclasses.asdict(self)
