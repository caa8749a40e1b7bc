"""What a preparation of shards is, as typed values; loads no TensorFlow."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras_bert_zoo.corpus.formats import FORMATS

CHOICES = {
    "format": ("auto", *FORMATS),
    "invalid_utf8": ("replace", "error"),
    "words": ("none", "spaces"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """How text becomes shards.

    Args:
        format: auto (by the suffix; running text where it says nothing), sentences (one a
            line, a blank line between documents), documents (one a line), paragraphs (each a
            document), text (running text, two blank lines between documents), jsonl, parquet.
        text_column: of the text in JSON lines and parquet.
        held_out: part of the documents, chosen by their hash, that goes to held_out/.
        invalid_utf8: replace broken characters and count them, or make them an error.
        deduplicate: leave out documents whose text was there before, but for white space.
        words: spaces if the text is cut into words by spaces where its script has none.
        shard_tokens: tokens at which a shard is full.

    Raises:
        ValueError: a value is out of range; all are named.
    """

    format: str = "auto"
    text_column: str = "text"
    held_out: float = 0.0
    invalid_utf8: str = "replace"
    deduplicate: bool = True
    words: str = "none"
    shard_tokens: int = 1 << 22

    def __post_init__(self) -> None:
        """Refuses values out of range, all complaints in one error."""
        problems = [
            f"{name} must be one of {valid}, received {getattr(self, name)!r}"
            for name, valid in CHOICES.items()
            if getattr(self, name) not in valid
        ]
        if not 0 <= self.held_out < 1:
            problems.append(f"held_out must be at least 0 and below 1, received {self.held_out}")
        if not 1 <= self.shard_tokens <= 1 << 30:
            problems.append(f"shard_tokens must be in [1, 2^30], received {self.shard_tokens}")
        if problems:
            raise ValueError("The corpus cannot be prepared: " + "; ".join(problems) + ".")

    def values(self) -> dict[str, Any]:
        """The options by name, as the manifest has them."""
        return dataclasses.asdict(self)

    def encoding(self) -> dict[str, Any]:
        """Those that an ``Encoder`` takes."""
        return {name: getattr(self, name) for name in ("invalid_utf8", "text_column", "words")}
