r"""GPT-2's cut of texts into words. TensorFlow-only, core ops only.

The published regular expression is

    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+

Its look-ahead, which RE2 lacks, keeps the last of several white spaces for the word after
them. The same comes of cutting before that one first, and matching without the look-ahead.
RE2's classes are of another Unicode version than the reference's, so they are spelled out:
``classes.npz``, see ``scripts/build_byte_bpe_tables.py``.
"""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np
import tensorflow as tf

# No byte of UTF-8: the one ends a word, the other begins a literal token.
END, LITERAL = b"\xff", b"\xfe"


def cut(pieces: tf.Tensor) -> tf.RaggedTensor:
    """Cuts each piece of text into words; a literal token is one.

    Args:
        pieces: ``(P,)`` valid UTF-8, or ``LITERAL`` and a token.

    Returns:
        ``(P, None)``; empty words may be among them.
    """
    space = characters("spaces")
    last = f"([{space}]+)([{space}][^{space}])"
    parted = tf.strings.regex_replace(pieces, last, rb"\1" + END + rb"\2")
    ended = tf.strings.regex_replace(parted, _word(), rb"\0" + END)
    return split(tf.where(is_literal(pieces), pieces, ended))


def split(marked: tf.Tensor) -> tf.RaggedTensor:
    """Cuts strings where ``END`` is."""
    return tf.strings.split(marked, END)


def is_literal(pieces: tf.Tensor) -> tf.Tensor:
    """Which pieces are literal tokens."""
    return tf.strings.substr(pieces, 0, 1) == LITERAL


def content_of(pieces: tf.Tensor) -> tf.Tensor:
    """Pieces without the mark of literal tokens."""
    marked = tf.cast(is_literal(pieces), tf.int32)
    return tf.strings.substr(pieces, marked, tf.strings.length(pieces) - marked)


@functools.cache
def _word() -> str:
    letter, number, space = map(characters, ("letters", "numbers", "spaces"))
    runs = (f" ?[{letter}]+", f" ?[{number}]+", f" ?[^{space}{letter}{number}]+", f"[{space}]+")
    return "|".join(["'(?:[sdmt]|ll|ve|re)", *runs])


@functools.cache
def characters(name: str) -> str:
    """What stands between the brackets of a class: of ``letters``, ``numbers`` or ``spaces``."""
    resource = importlib.resources.files(__package__).joinpath("classes.npz")
    with resource.open("rb") as file, np.load(file) as tables:
        ranges = tables[name].tolist()
    return "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in ranges)
