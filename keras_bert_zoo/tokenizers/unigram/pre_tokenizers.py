"""The pre-tokenizers of a Unigram tokenizer's ``tokenizer.json``. TensorFlow-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.unigram.characters import Characters, spaces
from keras_bert_zoo.tokenizers.unigram.normalizers import Step, prepend

PREPEND_SCHEMES = ("always", "first", "never")


def pre_tokenizer(part: Mapping[str, Any]) -> Step:
    """Builds the step of one entry, which is no ``Sequence``.

    Raises:
        TokenizerError: it is none of those supported, or holds what is not.
    """
    kind = part.get("type")
    if kind not in _KINDS:
        raise TokenizerError(
            f"the pre_tokenizer {kind!r} is not supported; supported are {sorted(_KINDS)} and "
            "Sequence"
        )
    return _KINDS[kind](part)


def replacement_and_scheme(part: Mapping[str, Any]) -> tuple[str, str]:
    """What stands for a space, and where one is added, of a ``Metaspace``.

    Raises:
        TokenizerError: a value that is none.
    """
    replacement = part.get("replacement", "▁")
    # The name of old files, which may stand beside the new one.
    scheme = "always" if part.get("add_prefix_space", True) else "never"
    scheme = part.get("prepend_scheme", scheme)
    if len(replacement) != 1 or scheme not in PREPEND_SCHEMES:
        raise TokenizerError(
            f"Metaspace must have a replacement of one character and a prepend_scheme of "
            f"{PREPEND_SCHEMES}, received {replacement!r} and {scheme!r}"
        )
    return replacement, scheme


def _whitespace_split(part: Mapping[str, Any]) -> Step:
    def split(chars: Characters) -> Characters:
        is_space = spaces(chars)
        after_space = tf.concat([tf.zeros_like(is_space[:1]), is_space[:-1]], axis=0)
        return chars.cut(after_space).where(~is_space)

    return split


def _metaspace(part: Mapping[str, Any]) -> Step:
    replacement, scheme = replacement_and_scheme(part)
    mark = ord(replacement)
    splits = part.get("split", True)

    def split(chars: Characters) -> Characters:
        is_space = chars.points == ord(" ")
        chars = chars._replace(points=tf.where(is_space, mark, chars.points))
        if scheme != "never":
            wanted = chars.points != mark
            if scheme == "first":
                wanted &= chars.begin == 0
            chars = prepend(chars, [mark], wanted)
        return chars.cut(chars.points == mark) if splits else chars

    return split


_KINDS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "Metaspace": _metaspace,
    "WhitespaceSplit": _whitespace_split,
}
