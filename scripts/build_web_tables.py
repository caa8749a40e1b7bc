"""Writes examples/web/unicode.js: the classes of characters that BERT's normaliser knows.

They are read off the reference, the installed ``tokenizers``, like those of
``build_unicode_tables.py``; a browser's own classes are of another version of Unicode. Run
it again after an upgrade of the reference:

    python scripts/build_web_tables.py
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator

import tokenizers
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

TARGET = pathlib.Path(__file__).parents[1] / "examples" / "web" / "unicode.js"
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
SURROGATES = range(0xD800, 0xE000)
_PRE_TOKENIZER = BertPreTokenizer()


def _normalizer(**options: bool) -> Callable[[str], str]:
    names = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return BertNormalizer(**{**dict.fromkeys(names, False), **options}).normalize_str


def classes() -> dict[str, list[int]]:
    """Name of a class to its code points, in ascending order."""
    clean, strip = _normalizer(clean_text=True), _normalizer(strip_accents=True)
    chinese = _normalizer(handle_chinese_chars=True)
    cleaned = {point: clean(chr(point)) for point in CODE_POINTS}
    kept = [point for point in CODE_POINTS if cleaned[point] == chr(point) != " "]
    # Surrogates count as U+FFFD, which is deleted.
    deleted = [point for point in CODE_POINTS if not cleaned[point]]
    return {
        "DELETED": sorted([*deleted, *SURROGATES]),
        "SPACES": [point for point in CODE_POINTS if cleaned[point] == " "],
        "MARKS": [point for point in kept if not strip(chr(point))],
        "PUNCTUATION": [point for point in kept if _stands_alone(chr(point))],
        "CHINESE": [point for point in kept if chinese(chr(point)) != chr(point)],
    }


def _stands_alone(character: str) -> bool:
    return len(_PRE_TOKENIZER.pre_tokenize_str(f"a{character}a")) == 3


def ranges(points: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours."""
    first = last = -1
    for point in points:
        if point != last + 1 or first < 0:
            if first >= 0:
                yield first, last
            first = point
        last = point
    if first >= 0:
        yield first, last


def _expression(points: list[int]) -> str:
    runs = (
        f"\\u{{{first:x}}}" if first == last else f"\\u{{{first:x}}}-\\u{{{last:x}}}"
        for first, last in ranges(points)
    )
    return f"/[{''.join(runs)}]/gu"


def content() -> str:
    """The module: one regular expression for each class."""
    lines = [
        "// What BERT's normaliser does to each character, read off `tokenizers` "
        f"{tokenizers.__version__}.",
        "// Written by scripts/build_web_tables.py.",
        *(f"export const {name} = {_expression(points)};" for name, points in classes().items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(content(), encoding="utf-8")
