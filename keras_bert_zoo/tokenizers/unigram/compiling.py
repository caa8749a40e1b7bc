"""Steps of normalisation as one map of characters, as SentencePiece has it. TensorFlow-only."""

from __future__ import annotations

import base64
import pathlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from keras_bert_zoo.tokenizers.options import TokenizerError
from keras_bert_zoo.tokenizers.unigram import spiece
from keras_bert_zoo.tokenizers.unigram.characters import decode
from keras_bert_zoo.tokenizers.unigram.charsmap import rules
from keras_bert_zoo.tokenizers.unigram.normalizers import normalizer

Steps = Sequence[Mapping[str, Any]]
# Planes of which every character that steps change is one: the others are private, or empty.
_CHARACTERS = (*range(1, 0xD800), *range(0xE000, 0x32000), *range(0xE0000, 0xE0200))
# White space of texts, apart from spaces.
_SPACES = ("\t", "\n", "\r", "\xa0", *map(chr, range(0x2000, 0x200B)), "\u202f", "\u3000")
# What SentencePiece does behind its map, and always.
_ITS_OWN = (
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    {"type": "Strip", "strip_left": True, "strip_right": True},
)
_BY_CHARACTER = ("Precompiled", "Lowercase", "StripAccents", "Nmt", "Replace", "NFD", "NFKD")


def charsmap(steps: Steps, spaces: bool) -> bytes:
    """Returns the map that does what steps do, character by character.

    A map that a single step already holds is taken as it is.

    Args:
        steps: the entries of ``normalizer``.
        spaces: whether all white space is to be spaces, where words are split at any.

    Raises:
        TokenizerError: a step looks further than at a character.
    """
    kept = [step for step in steps if step not in _ITS_OWN]
    odd = [step["type"] for step in kept if not _is_by_character(step, kept)]
    if odd:
        raise TokenizerError(f"the normalizers {odd} are no map of characters")
    maps = [base64.b64decode(s["precompiled_charsmap"]) for s in kept if s["type"] == "Precompiled"]
    if len(kept) == len(maps) <= 1 and not (spaces and _leaves_spaces(maps)):
        return maps[0] if maps else b""
    return _compiled(_rules(kept, maps, spaces))


def _is_by_character(step: Mapping[str, Any], steps: Steps) -> bool:
    kind = step["type"]
    # Decompositions put marks in order, which shows unless none is left.
    alone = kind in ("NFD", "NFKD") and not any(each["type"] == "StripAccents" for each in steps)
    text = kind != "Replace" or step["pattern"].get("String")
    return kind in _BY_CHARACTER and bool(text) and not alone


def _leaves_spaces(maps: Sequence[bytes]) -> bool:
    """Whether white space other than spaces is left, and then no part of a word."""
    found = rules(maps[0]) if maps else {}
    return any(each != " " and each.isspace() for each in (found.get(s, s) for s in _SPACES))


def _rules(steps: Steps, maps: Iterable[bytes], spaces: bool) -> dict[str, str]:
    """What becomes of characters that do not stay as they are, and of longer texts."""
    longer = [key for data in maps for key in rules(data) if len(key) > 1]
    longer += [step["pattern"]["String"] for step in steps if step["type"] == "Replace"]
    texts = [*map(chr, _CHARACTERS), *longer]
    chars = decode(tf.constant(texts))
    for step in steps:
        chars = normalizer(step)(chars)
    points = tf.RaggedTensor.from_value_rowids(chars.points, chars.text, len(texts))
    became = [text.decode() for text in tf.strings.unicode_encode(points, "UTF-8").numpy()]
    if spaces:
        became = ["".join(" " if each.isspace() else each for each in text) for text in became]
    return {text: new for text, new in zip(texts, became, strict=True) if new != text}


def _compiled(found: Mapping[str, str]) -> bytes:
    # keras-hub needs it too; nothing else here does.
    import sentencepiece

    def points(text: str) -> str:
        return " ".join(f"{ord(character):X}" for character in text)

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "rules.tsv"
        lines = (f"{points(text)}\t{points(new)}\n" for text, new in found.items())
        path.write_text("".join(lines), encoding="utf-8")
        made = sentencepiece.SentencePieceNormalizer(rule_tsv=str(path))
        return spiece.charsmap(made.serialized_model_proto())
