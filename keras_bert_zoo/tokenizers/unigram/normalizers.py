"""The normalisers of a Unigram tokenizer's ``tokenizer.json``. TensorFlow-only."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.unigram import tables
from keras_bert_zoo.tokenizers.unigram.characters import (
    LITERAL,
    Characters,
    repeated,
    runs,
    spaces,
    substitute,
)
from keras_bert_zoo.tokenizers.unigram.charsmap import Charsmap
from keras_bert_zoo.tokenizers.unigram.forms import Form
from keras_bert_zoo.tokenizers.unigram.literals import leftmost_longest
from keras_bert_zoo.tokenizers.unigram.replacements import Replacements
from keras_bert_zoo.tokenizers.unigram.trie import Trie

Step = Callable[[Characters], Characters]
# Regular expression: characters that it matches, how many of them together, and which of
# them alone as well.
_RUNS: dict[str, tuple[str, int, str]] = {
    " {2,}": (" ", 2, ""),
    r"\s+": (r"\s", 1, ""),
    r"\s{2,}|[\n\r\t]": (r"\s", 2, "\n\r\t"),
}
# What `Nmt` deletes, and what it makes a space.
_NMT_DELETED = (*range(1, 9), 0x0B, *range(0x0E, 0x20), 0x7F, 0x8F, 0x9F)
_NMT_SPACES = (0x09, 0x0A, 0x0C, 0x0D, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581)
_NMT = dict.fromkeys(_NMT_DELETED, "") | dict.fromkeys((*_NMT_SPACES, 0xFEFF, 0xFFFD), " ")


def normalizer(part: Mapping[str, Any]) -> Step:
    """Builds the step of one entry, which is no ``Sequence``.

    Raises:
        TokenizerError: it is none of those supported, or holds what is not.
    """
    kind = part.get("type")
    if kind not in _KINDS:
        raise TokenizerError(
            f"the normalizer {kind!r} is not supported; supported are {sorted(_KINDS)} and Sequence"
        )
    try:
        return _KINDS[kind](part)
    except (AttributeError, KeyError, TypeError, binascii.Error) as error:
        raise TokenizerError(f"the normalizer {kind} is malformed: {error!r}") from error


def prepend(chars: Characters, content: Sequence[int], rows: tf.Tensor | None = None) -> Characters:
    """Puts code points before each row, but not before added tokens.

    Args:
        chars: the rows.
        content: code points; they stand for what the row's first character stands for.
        rows: ``(N,)`` booleans: do so only where they hold for a row's first character.
    """
    row = runs(chars.row)
    is_first = tf.range(chars.size) == tf.gather(row.first, row.number)
    is_first &= chars.points < LITERAL
    if rows is not None:
        is_first &= rows
    index, nth = repeated(tf.where(is_first, len(content) + 1, 1))
    new = chars.at(index)
    added = tf.gather(is_first, index) & (nth < len(content))
    content_points = tf.gather(tf.constant([*content, 0], tf.int32), nth)
    return new._replace(points=tf.where(added, content_points, new.points))


def _precompiled(part: Mapping[str, Any]) -> Step:
    return Charsmap(base64.b64decode(part["precompiled_charsmap"], validate=True))


def _replace(part: Mapping[str, Any]) -> Step:
    pattern, content = part["pattern"], [ord(character) for character in part["content"]]
    if pattern.get("String"):
        return _replace_text(pattern["String"], content)
    if pattern.get("Regex") in _RUNS:
        return _replace_runs(*_RUNS[pattern["Regex"]], content)
    raise TokenizerError(
        f"the normalizer Replace with the pattern {pattern!r} is not supported; supported are "
        f"texts that are not empty, and the regular expressions {list(_RUNS)}"
    )


def _replace_text(text: str, content: Sequence[int]) -> Step:
    trie = Trie([text])

    def replace(chars: Characters) -> Characters:
        rows = runs(chars.row)
        first, key = trie(chars.points, tf.gather(rows.past, rows.number))
        first, past, _ = leftmost_longest(first, tf.gather(trie.lengths, key), key)
        return substitute(chars, first, past, content)

    return replace


def _replace_runs(of: str, least: int, alone: str, content: Sequence[int]) -> Step:
    def replace(chars: Characters) -> Characters:
        matches = spaces(chars) if of == r"\s" else chars.points == ord(of)
        parts = runs(chars.row, matches)
        single = tf.reduce_any(
            [tf.zeros_like(matches), *(chars.points == ord(character) for character in alone)],
            axis=0,
        )
        chosen = (parts.lengths >= least) | tf.gather(single, parts.first)
        chosen &= tf.gather(matches, parts.first)
        first, past = (tf.boolean_mask(ends, chosen) for ends in (parts.first, parts.past))
        return substitute(chars, first, past, content)

    return replace


def _prepend(part: Mapping[str, Any]) -> Step:
    content = [ord(character) for character in part["prepend"]]
    return lambda chars: prepend(chars, content)


def _strip(part: Mapping[str, Any]) -> Step:
    left, right = part["strip_left"], part["strip_right"]

    def strip(chars: Characters) -> Characters:
        is_space, rows = spaces(chars), runs(chars.row)
        parts = runs(chars.row, is_space)
        row_first, row_past = (tf.gather(ends, rows.number) for ends in (rows.first, rows.past))
        gone = tf.zeros_like(is_space)
        if left:
            gone |= tf.gather(parts.first, parts.number) == row_first
        if right:
            gone |= tf.gather(parts.past, parts.number) == row_past
        return chars.where(~(gone & is_space))

    return strip


def _strip_accents(part: Mapping[str, Any]) -> Step:
    marks = tables.numbers("mark").nonzero()[0]
    return Replacements(dict.fromkeys(marks.tolist(), ""))


_KINDS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "Precompiled": _precompiled,
    "Replace": _replace,
    "Prepend": _prepend,
    "Strip": _strip,
    "StripAccents": _strip_accents,
    "Lowercase": lambda part: Replacements(tables.replacements("lower")),
    "Nmt": lambda part: Replacements(_NMT),
    **{name: lambda part: Form(part["type"]) for name in ("NFC", "NFD", "NFKC", "NFKD")},
}
