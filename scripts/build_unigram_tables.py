"""Writes keras_bert_zoo/tokenizers/unigram/unicode.npz: Unicode as the reference knows it.

The tables are read off the normalisers of the installed ``tokenizers``, so that its versions
of Unicode become ours, whatever they are: those of its forms, of its case and of its grapheme
clusters differ. Run it again after an upgrade of the reference:

    python scripts/build_unigram_tables.py
"""

from __future__ import annotations

import functools
import pathlib
import unicodedata
from collections.abc import Iterable

import numpy as np
import tokenizers
from tokenizers import normalizers

from keras_bert_zoo.tokenizers.normalizer import _double_array, _utf8_keys
from keras_bert_zoo.tokenizers.unigram import graphemes

TARGET = pathlib.Path(graphemes.__file__).with_name("unicode.npz")
# Without the ends of lines, which stay what they are and are no part of any rule but their own.
CODE_POINTS = np.setdiff1d([*range(1, 0xD800), *range(0xE000, 0x110000)], [0x0A, 0x0D])
CHARACTERS = [chr(point) for point in CODE_POINTS.tolist()]
# Two bytes each: a combining mark, a pictograph. Three bytes each: all others.
MARK, SIGN, JOINER, PICTURE = "\u0300", "\u00a9", "\u200d", "\u263a"
KA, VIRAMA = "\u0915", "\u094d"
LEADING, VOWEL, TRAILING = "\u1100", "\u1161", "\u11a8"


@functools.cache
def counter() -> normalizers.Normalizer:
    """Makes every character but the ends of lines an ``x``."""
    keys, one = _utf8_keys(CODE_POINTS), np.zeros(1, int)
    trie = _double_array(keys, np.zeros(len(keys), int), one)
    return normalizers.Precompiled(np.uint32(trie.nbytes).tobytes() + trie.tobytes() + b"x\0")


def lines(normalizer: normalizers.Normalizer, texts: Iterable[str]) -> list[str]:
    """Normalises texts that hold no ends of lines; nothing composes with one."""
    return normalizer.normalize_str("\n".join(texts)).split("\n")


def pieces(form: str) -> np.ndarray:
    """For each character, as how many pieces the map sees ``form`` with the character in it.

    A cluster of fewer than six bytes is one piece, of a longer one each character is: which
    of them join shows in the number.
    """
    replaced = lines(counter(), (form.format(character) for character in CHARACTERS))
    return np.array([len(text) for text in replaced])


def clusters() -> dict[str, np.ndarray]:
    """The classes of ``graphemes``: bits for both sides of a boundary, and for its contexts."""
    control = pieces("{}" + MARK + MARK) == 2
    follows = pieces("a{}") == 1
    precedes = pieces("{}a") == 1
    before = {j: pieces("{}" + j + MARK) == 3 for j in (LEADING, VOWEL, TRAILING)}
    after = {j: pieces(j + "{}" + MARK) == 3 for j in (LEADING, VOWEL, TRAILING)}
    # What takes four bytes never shows in a short cluster: nobody can ask for its class.
    others = ~follows & ~precedes & ~control & (CODE_POINTS < 0x10000)
    left = {
        graphemes.MARKED: ~control,
        graphemes.PREPENDED: precedes,
        graphemes.LEADING: others & before[LEADING],
        graphemes.VOWEL: others & before[VOWEL] & ~before[LEADING],
        graphemes.TRAILING: others & before[TRAILING] & ~before[VOWEL],
    }
    right = {
        graphemes.MARKED: follows,
        graphemes.PREPENDED: ~control,
        graphemes.LEADING: others & after[LEADING],
        graphemes.VOWEL: others & after[VOWEL],
        graphemes.TRAILING: others & after[TRAILING],
    }
    context = {
        graphemes.PICTOGRAPH: ~follows & (pieces(SIGN + JOINER + "{}") == 3),
        graphemes.EXTENDER: follows & (pieces(SIGN + "{}" + JOINER + PICTURE + MARK) == 5),
        graphemes.CONSONANT: others & (pieces(KA + VIRAMA + "{}" + MARK) == 4),
        graphemes.LINKER: follows & (pieces(KA + "{}" + KA + MARK) == 4),
        graphemes.BETWEEN: follows & (pieces(KA + VIRAMA + "{}" + KA + MARK) == 5),
    }
    return {
        name: everywhere(sum(bit * flags for bit, flags in bits.items()))
        for name, bits in (("left", left), ("right", right), ("context", context))
    }


def everywhere(values: np.ndarray) -> np.ndarray:
    """Numbers of ``CODE_POINTS`` as numbers of all."""
    result = np.zeros(0x110000, np.uint8)
    result[CODE_POINTS] = values
    return result


def changes(normalizer: normalizers.Normalizer) -> dict[int, str]:
    """Maps every code point that does not stay as it is to what replaces it."""
    replaced = zip(CODE_POINTS.tolist(), lines(normalizer, CHARACTERS), strict=True)
    return {point: text for point, text in replaced if text != chr(point)}


def orders(marks: Iterable[str]) -> np.ndarray:
    """Ranks of combining classes: 0 for starters, others by where marks of each class go.

    Args:
        marks: all characters that may have a class, but for those that decompose.
    """
    # One mark of each class that Python knows, in order.
    ladder = {unicodedata.combining(mark): mark for mark in marks}
    steps = [ladder[order] for order in sorted(ladder) if order]
    form = normalizers.NFD()
    # A mark before all of them goes where its class is; a starter stays and moves none.
    up = lines(form, (f"a{mark}{''.join(steps)}" for mark in marks))
    down = lines(form, (f"a{steps[-1]}{mark}" for mark in marks))
    values = np.zeros(0x110000, np.uint8)
    for mark, first, second in zip(marks, up, down, strict=True):
        rank = first.index(mark, 1)
        if rank > 1 or second != f"a{steps[-1]}{mark}":
            values[ord(mark)] = rank
    return values


def compositions(canonical: dict[int, str]) -> np.ndarray:
    """Triples of two code points and the one that composes them."""
    form = normalizers.NFC()
    found = []
    for point, text in canonical.items():
        if len(text) > 1 and form.normalize_str(chr(point)) == chr(point):
            first, second = form.normalize_str(text[:-1]), text[-1]
            if len(first) != 1 or form.normalize_str(first + second) != chr(point):
                raise AssertionError(f"U+{point:04X} is not composed of two")
            found.append((ord(first), ord(second), point))
    return np.array(found, np.uint32)


def main() -> None:
    """Writes the tables."""
    arrays = {"tokenizers_version": np.array(tokenizers.__version__)}
    canonical = changes(normalizers.NFD())
    mappings = {
        "lower": changes(normalizers.Lowercase()),
        "nfd": canonical,
        "nfkd": changes(normalizers.NFKD()),
    }
    for name, mapping in mappings.items():
        # Differences of neighbours compress to almost nothing where ranges change.
        arrays[f"{name}_steps"] = np.diff(list(mapping), prepend=0).astype(np.uint32)
        arrays[f"{name}_texts"] = np.array([text.encode() for text in mapping.values()])
    mark = np.array([not text for text in lines(normalizers.StripAccents(), CHARACTERS)])
    marks = [chr(point) for point in CODE_POINTS[mark].tolist() if point not in canonical]
    numbers = {**clusters(), "mark": everywhere(mark), "order": orders(marks)}
    for name, values in numbers.items():
        starts = np.flatnonzero(np.diff(values, prepend=values[0] + 1))
        arrays[f"{name}_values"] = values[starts]
        arrays[f"{name}_lengths"] = np.diff(starts, append=len(values))
    arrays["compositions"] = compositions(canonical)
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")
    print({name: len(array) for name, array in arrays.items() if array.ndim})


if __name__ == "__main__":
    main()
