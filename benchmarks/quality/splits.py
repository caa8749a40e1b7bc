"""Splits of what belongs together, by a hash of its name."""

from __future__ import annotations

import hashlib

# Split: its share, in percent; in the order in which something that is in several is given to them.
SHARES = {"train": 90, "validation": 3, "test": 7}


def split_of(name: str) -> str:
    """The split of all that has a name."""
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % 100
    for split, share in SHARES.items():
        if place < share:
            return split
        place -= share
    raise AssertionError(f"shares make up {sum(SHARES.values())}, not 100")
