"""Spaces of texts whose tokens do not tell where they are, as word pieces.

WordPiece cuts ``DATE(1;2)`` as it cuts ``DATE ( 1 ; 2 )``, and each Chinese character from the
next one: of the tokens both are joined with all spaces.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from keras_bert_zoo.evaluation.extracts import WIDE

# CJK punctuation and full-width forms bring their own room.
_WIDE_MARKS = "\u3001-\u303f\uff01-\uffee"
_OPENING, _CLOSING = r"(\[{“‘/", r")\]}”’:;/"
# Chinese characters, words, and marks, each with the spaces before it.
_TOKEN = re.compile(rf"(\s*)([{WIDE}]|[^\W_{WIDE}]+|[^\w\s]|_)")
# Two tokens between which no space stands; in words of RE2 too, for graphs have the same.
CLOSED = rf"[{WIDE}]{{2}}|[{_WIDE_MARKS}].*|.*[{_WIDE_MARKS}]|[{_OPENING}].*|.*[{_CLOSING}]"
_CLOSED = re.compile(CLOSED, re.DOTALL)


def respaced(text: str, source: str) -> str:
    """Puts the spaces of a text as its source and Chinese typography have them.

    Two tokens that also follow each other in the source, as those of names, numbers, formulas and
    paths that were copied, are as far apart as there. Of others no space stands between Chinese
    characters, beside full-width marks, inside brackets, around slashes, and before
    colons and semicolons.

    Args:
        text: joined of word pieces.
        source: what it was written of.
    """
    known = dict(reversed(list(_pairs(source))))
    parts = [found[2] for found in itertools.islice(_TOKEN.finditer(text), 1)]
    for (first, second), space in _pairs(text):
        closed = "" if _CLOSED.fullmatch(first + second) else space
        parts += [known.get((first, second), closed), second]
    return "".join(parts)


def _pairs(text: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Tokens with those behind them, and the spaces between."""
    for first, second in itertools.pairwise(_TOKEN.finditer(text)):
        yield (first[2], second[2]), second[1]
