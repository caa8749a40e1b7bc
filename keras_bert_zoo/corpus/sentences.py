"""Running text to sentences, in Latin and in Chinese punctuation; only white space is lost."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable

# What stands between sentences. It is no white space, which the patterns skip, and no text: the
# tokenizer deletes control characters.
SENTENCE = "\x01"

# A full stop after one of these, or after a single capital, ends no sentence.
_SHORTENED = (
    "Mr Mrs Ms Dr Prof St Sr Jr Rev Hon Gen Col Capt Lt Sgt Gov Sen Rep Pres Mme Mlle Messrs "
    "vs cf al approx esp fig Fig Vol vol pp Ch ch Art Inc Ltd Co Corp Bros "
    "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
)
ABBREVIATIONS = _SHORTENED.split()
# Members of classes of a regular expression.
LATIN_ENDS, WIDE_ENDS = ".!?…", "。！？；｡؟۔।॥"
CLOSING = "”’」』）》〉】»)"
LATIN_CLOSING = rf"\"'\]{CLOSING}"
OPENING = r""""'“‘«(\[{「『（《〈【¿¡*_–—-"""
CHINESE = "\u3400-\u9fff"


def members(belongs: Callable[[str], bool]) -> str:
    """What a class of a regular expression lists to hold all characters of a kind.

    Args:
        belongs: whether a character is of that kind; not for ``]``, ``^``, ``-`` and backslashes.
    """
    codes = [code for code in range(sys.maxunicode + 1) if belongs(chr(code))]
    runs = itertools.groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    spans = [[code for _, code in run] for _, run in runs]
    return "".join(f"{chr(span[0])}-{chr(span[-1])}" for span in spans)


def _not_after_abbreviation() -> str:
    """Assertions behind a full stop; each looks back over words of one length."""
    words = sorted(ABBREVIATIONS, key=len)
    groups = ("|".join(group) for _, group in itertools.groupby(words, len))
    return "".join(rf"(?<!\b(?:{group})\.)" for group in ("[A-Za-z]", *groups))


# A run of ends is tried at its first one only: else a million dots would take hours.
# Scripts without capitals have no small letters either: there every full stop ends a sentence.
SMALL = members(str.islower)
_LATIN = (
    rf"(?<=[{LATIN_ENDS}])(?<![{LATIN_ENDS}]{{2}})[{LATIN_ENDS}]*+{_not_after_abbreviation()}"
    rf"[{LATIN_CLOSING}]*+(?=\s)(?!\s++[{OPENING}]*+[{SMALL}])"
)
# Needs no space behind it; a text that is cut into words has one before what closes a quote. The
# dots of an ellipsis end a sentence where Chinese goes on.
_WIDE = rf"(?:(?<=[{WIDE_ENDS}])|(?<=…)(?<!……)…*+(?=[{CLOSING}]*+[{CHINESE}]))"
_WIDE += rf"[{WIDE_ENDS}]*+(?:\s*[{CLOSING}])*+"
# One class at the front, which the search skips to.
_END = re.compile(rf"([{LATIN_ENDS}{WIDE_ENDS}](?:{_LATIN}|{_WIDE}))\s*+")


def mark_sentences(text: str) -> str:
    """Puts ``SENTENCE`` after every sentence, in the place of the white space there."""
    return _END.sub(rf"\1{SENTENCE}", text)


def split_sentences(text: str) -> list[str]:
    """Splits running text into sentences.

    A sentence ends at ``.``, ``!`` or ``?``, and what closes quotes and brackets, where white
    space follows and then no small letter; ``Mr.`` and initials do not end one. Chinese,
    Arabic and Indic ends need no space after them.

    Returns:
        Sentences without white space around them, none of them empty; one after the other
        they are the text, but for white space.
    """
    pieces = mark_sentences(text.replace(SENTENCE, " ")).split(SENTENCE)
    return [stripped for piece in pieces if (stripped := piece.strip())]
