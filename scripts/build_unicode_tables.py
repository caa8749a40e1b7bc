"""Writes keras_bert_zoo/tokenizers/unicode.npz: what BERT's normaliser does to each character.

The tables are read off the reference itself: every code point is given to the
``BertNormalizer`` and ``BertPreTokenizer`` of the installed ``tokenizers``, so its Unicode
tables become ours, whatever their version. Run it again after an upgrade of the reference:

    python scripts/build_unicode_tables.py
"""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import tokenizers
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

TARGET = pathlib.Path(__file__).parents[1] / "keras_bert_zoo" / "tokenizers" / "unicode.npz"
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
_PRE_TOKENIZER = BertPreTokenizer()


def isolated(normalized: str) -> str:
    """Puts spaces where the pre-tokenizer cuts around or inside a normalised character."""
    pieces = _PRE_TOKENIZER.pre_tokenize_str(f"a{normalized}a")
    return " ".join(piece for piece, _ in pieces)[1:-1]


def changes(*, lower: bool, strip: bool, chinese: bool) -> dict[int, str]:
    """Maps every code point that does not stay as it is to what replaces it."""
    normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lower
    )
    mapped = {point: isolated(normalizer.normalize_str(chr(point))) for point in CODE_POINTS}
    return {point: text for point, text in mapped.items() if text != chr(point)}


def chinese_characters(plain: dict[int, str]) -> list[int]:
    """Code points that ``handle_chinese_chars`` surrounds with spaces."""
    spaced = changes(lower=False, strip=False, chinese=True)
    points = [point for point in CODE_POINTS if spaced.get(point) != plain.get(point)]
    for point in points:
        if spaced[point] != f" {plain.get(point, chr(point))} ":
            raise AssertionError(f"U+{point:04X} is not simply surrounded: {spaced[point]!r}")
    return points


def main() -> None:
    """Writes the tables of all four choices of case and accents."""
    arrays = {"tokenizers_version": np.array(tokenizers.__version__)}
    for lower, strip in itertools.product((False, True), repeat=2):
        table = changes(lower=lower, strip=strip, chinese=False)
        name = f"lower{lower:d}_strip{strip:d}"
        # Differences of neighbours compress to almost nothing where ranges are deleted.
        arrays[f"{name}_steps"] = np.diff(list(table), prepend=0).astype(np.uint32)
        arrays[f"{name}_texts"] = np.array([text.encode() for text in table.values()])
        if not (lower or strip):
            arrays["chinese_steps"] = np.diff(chinese_characters(table), prepend=0)
        print(f"{name}: {len(table)} of {len(CODE_POINTS)} code points change")
    np.savez_compressed(TARGET, **arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
