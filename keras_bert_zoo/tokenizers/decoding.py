"""Word pieces back to text, as Hugging Face's ``WordPiece`` decoder does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PREFIX = "##"
# The decoder cleans each token, the tokenizer on request the whole text: the lists differ
# in " do not" alone.
CLEAN_TEXT = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
_CLEAN_TOKEN = (*CLEAN_TEXT[:7], (" do not", " don't"), *CLEAN_TEXT[7:])


def join(tokens: Sequence[str], clean_up: bool) -> str:
    """Joins word pieces to a text.

    Args:
        tokens: of the vocabulary.
        clean_up: also remove the spaces before punctuation that joining tokens left.
    """
    text = "".join(piece(token, is_first=i == 0) for i, token in enumerate(tokens))
    return cleaned(text) if clean_up else text


def cleaned(text: str) -> str:
    """Removes the spaces before punctuation that joining tokens left."""
    return _replaced(text, CLEAN_TEXT)


def piece(token: str, *, is_first: bool) -> str:
    """What a token adds to a text."""
    if not is_first:
        token = token[len(PREFIX) :] if token.startswith(PREFIX) else f" {token}"
    return _replaced(token, _CLEAN_TOKEN)


def _replaced(text: str, table: Iterable[tuple[str, str]]) -> str:
    for old, new in table:
        text = text.replace(old, new)
    return text
