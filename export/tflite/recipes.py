"""Quantisation recipes of TFLite files, by name: which weights are stored how."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

_WORDS = r"word_embeddings$"
_FEED_FORWARD = r"layer_\d+/(intermediate|output)/kernel$"
_ALL = r""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One row of the table.

    Args:
        summary: what it does, for help and documents.
        rules: regular expressions searched in the names of weights, and a key of
            ``weights.STORAGES``; the first that is found counts. Products of fewer
            than 16 outputs stay in float32.
    """

    summary: str
    rules: tuple[tuple[str, str], ...]

    def storage_of(self, name: str) -> str:
        """The storage of the weight of this name."""
        return next(storage for pattern, storage in self.rules if re.search(pattern, name))


RECIPES: Mapping[str, Recipe] = {
    "float32": Recipe("as trained", ((_ALL, "float32"),)),
    "float16": Recipe("half the size, restored when loaded", ((_ALL, "float16"),)),
    "weight-int8": Recipe(
        "8-bit weights, restored when loaded: products in float32", ((_ALL, "weight-int8"),)
    ),
    "int8": Recipe("8-bit weights, activations quantised as they come", ((_ALL, "int8"),)),
    "int8-words-int4": Recipe(
        "the same, the table of words in 4 bits", ((_WORDS, "int4-blocks-64"), (_ALL, "int8"))
    ),
    "mixed": Recipe(
        "words and feed-forward layers in 4 bits, attention in 8",
        ((_WORDS, "int4-blocks-64"), (_FEED_FORWARD, "int4-blocks"), (_ALL, "int8")),
    ),
    "int4": Recipe("4-bit weights in blocks of 32", ((_ALL, "int4-blocks"),)),
}
