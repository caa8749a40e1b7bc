"""Texts that an app's tokenizer is known to cut otherwise than BERT's: noted, no failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..formats import KNOWN_FORMATS
from ..tflite.mediapipe_tokenizer import MediaPipeTokenizer, different_texts

if TYPE_CHECKING:
    from ..artifact import Artifact

# Texts that a note quotes.
_EXAMPLES = 3


def notes_of(
    artifact: Artifact,
    strings: Mapping[str, Sequence[str]],
    inputs: Sequence[Mapping[str, np.ndarray]],
    literals: Sequence[str],
) -> tuple[str, ...]:
    """What the tokenizer of an artifact, or of MediaPipe, makes of the texts of a verification.

    Args:
        artifact: any.
        strings: the texts by name: ``text``, and ``text_pair`` of pairs.
        inputs: what the bundle's tokenizer made of each, a batch of one row.
        literals: tokens that this one finds in texts.
    """
    if artifact.options.get("metadata") == "mediapipe":
        if "text_pair" in strings:
            return ("MediaPipe takes single texts; the pairs were run as ids",)
        ids = [given["input_ids"][given["attention_mask"] > 0].tolist() for given in inputs]
        different = different_texts(MediaPipeTokenizer.of(artifact), strings["text"], ids)
        return (_note("MediaPipe", different, len(ids)),)
    spelling = spelling_tokens(artifact, strings, literals)
    if not spelling:
        return ()
    texts = strings["text"]
    return (_note("the file", [texts[row] for row in spelling], len(texts)),)


def spelling_tokens(
    artifact: Artifact, strings: Mapping[str, Sequence[str]], literals: Sequence[str]
) -> list[int]:
    """The rows of texts with a token in them that is text to the file; see ``DeviceTokenizer``."""
    if KNOWN_FORMATS[artifact.format].runtime != "tflite-text":
        return []
    rows = enumerate(strings["text"])
    return [row for row, text in rows if any(token in text for token in literals)]


def _note(who: str, different: Sequence[str], count: int) -> str:
    share = f"{who} tokenizes {len(different)} of {count} texts otherwise"
    quoted = ", ".join(map(_shortened, different[:_EXAMPLES]))
    return f"{share}, e.g. {quoted}" if quoted else share


def _shortened(text: str, width: int = 60) -> str:
    return repr(text if len(text) <= width else text[: width - 1] + "…")
