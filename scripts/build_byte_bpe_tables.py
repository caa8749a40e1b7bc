"""Writes keras_bert_zoo/tokenizers/byte_bpe/classes.npz: letters, numbers and white space.

The classes are read off the reference itself: every code point is given to the ``ByteLevel``
pre-tokenizer of the installed ``tokenizers`` behind a letter, a digit and a mark, and joins
what is of its class. Run it again after an upgrade of the reference:

    python scripts/build_byte_bpe_tables.py
"""

from __future__ import annotations

import pathlib

import numpy as np
import tokenizers
from tokenizers.pre_tokenizers import ByteLevel

TARGET = pathlib.Path(__file__).parents[1] / "keras_bert_zoo/tokenizers/byte_bpe/classes.npz"
CODE_POINTS = [*range(0xD800), *range(0xE000, 0x110000)]
_JOINED_BY = {"letters": "a", "numbers": "1", "others": "!"}
_PRE_TOKENIZER = ByteLevel(add_prefix_space=False)


def class_of(point: int) -> str:
    """Name of the class of a code point; white space joins nothing."""
    for name, before in _JOINED_BY.items():
        if len(_PRE_TOKENIZER.pre_tokenize_str(before + chr(point))) == 1:
            return name
    return "spaces"


def ranges(points: list[int]) -> np.ndarray:
    """First and last of each run of neighbours, int32 ``(R, 2)``."""
    found = np.array(points, np.int32)
    breaks = np.flatnonzero(np.diff(found) > 1)
    firsts, lasts = np.append(0, breaks + 1), np.append(breaks, len(found) - 1)
    return np.stack([found[firsts], found[lasts]], axis=1)


def main() -> None:
    """Writes the classes that the regular expression names."""
    points: dict[str, list[int]] = {}
    for point in CODE_POINTS:
        points.setdefault(class_of(point), []).append(point)
    named = {name: ranges(points[name]) for name in ("letters", "numbers", "spaces")}
    for name, found in named.items():
        print(f"{name}: {len(points[name])} code points in {len(found)} ranges")
    np.savez_compressed(TARGET, tokenizers_version=np.array(tokenizers.__version__), **named)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
