"""Running text to sentences, in Latin and in Chinese punctuation; only white space is lost."""

from __future__ import annotations

import itertools
import re
import sys

# What stands between sentences. It is no white space, which the patterns skip, and no text: the
# tokenizer deletes control characters.
SENTENCE = "\x01"

# A full stop after one of these, or after a single capital, ends no sentence.
_ABBREVIATIONS = """
    Mr Mrs Ms Dr Prof St Sr Jr Rev Hon Gen Col Capt Lt Sgt Gov Sen Rep Pres Mme Mlle Messrs
    vs cf al approx esp fig Fig Vol vol pp Ch ch Art Inc Ltd Co Corp Bros
    Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec
"""
_CLOSING = "”’」』）》〉】»)"
_OPENING = r"""["'“‘«(\[{「『（《〈【¿¡*_–—-]"""


def _ranges(characters: list[int]) -> str:
    """A class of a regular expression."""
    runs = itertools.groupby(enumerate(characters), lambda pair: pair[1] - pair[0])
    members = [[code for _, code in run] for _, run in runs]
    return "[" + "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in members) + "]"


def _not_after_abbreviation() -> str:
    """Assertions behind a full stop; each looks back over words of one length."""
    words = sorted(_ABBREVIATIONS.split(), key=len)
    groups = ("|".join(group) for _, group in itertools.groupby(words, len))
    return "".join(rf"(?<!\b(?:{group})\.)" for group in ("[A-Za-z]", *groups))


# A run of ends is tried at its first one only: else a million dots would take hours.
# Scripts without capitals have no small letters either: there every full stop ends a sentence.
_SMALL = _ranges([code for code in range(sys.maxunicode + 1) if chr(code).islower()])
_LATIN_ENDS, _WIDE_ENDS = ".!?…", "。！？；｡؟۔।॥"
_LATIN = (
    rf"(?<=[{_LATIN_ENDS}])(?<![{_LATIN_ENDS}]{{2}})[{_LATIN_ENDS}]*+{_not_after_abbreviation()}"
    rf"[\"'\]{_CLOSING}]*+(?=\s)(?!\s++{_OPENING}*+{_SMALL})"
)
# Needs no space behind it; a text that is cut into words has one before what closes a quote. The
# dots of an ellipsis end a sentence where Chinese goes on.
_WIDE = rf"(?:(?<=[{_WIDE_ENDS}])|(?<=…)(?<!……)…*+(?=[{_CLOSING}]*+[\u3400-\u9fff]))"
_WIDE += rf"[{_WIDE_ENDS}]*+(?:\s*[{_CLOSING}])*+"
# One class at the front, which the search skips to.
_END = re.compile(rf"([{_LATIN_ENDS}{_WIDE_ENDS}](?:{_LATIN}|{_WIDE}))\s*+")


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
