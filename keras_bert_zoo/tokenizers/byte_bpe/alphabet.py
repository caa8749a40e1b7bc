"""GPT-2's alphabet: a printable character for each byte, so that any text is spelled in it.

Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable

# Bytes that are printable characters of Latin-1 stand for themselves, the others, in order,
# for the characters from U+0100 on.
_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
_POINTS = {**{byte: byte for byte in _PRINTABLE}, **{b: 256 + i for i, b in enumerate(_OTHERS)}}
CHARACTERS = tuple(chr(_POINTS[byte]) for byte in range(256))
SPACE = CHARACTERS[ord(" ")]
_BYTES = {character: byte for byte, character in enumerate(CHARACTERS)}


def bytes_of(token: str) -> bytes:
    """The bytes that a token stands for; a token with other characters stands for itself."""
    if all(character in _BYTES for character in token):
        return bytes(_BYTES[character] for character in token)
    return token.encode()


def text_of(tokens: Iterable[str]) -> str:
    """Joins tokens to a text, bytes that are none replaced by U+FFFD."""
    return b"".join(map(bytes_of, tokens)).decode("utf-8", "replace")
