"""Names of columns that are nearly right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# "contxt" is nearly "context" and "txt" nearly "text"; "text_b" is not "text_pair".
_LIKENESS = 0.75


def spelling_hint(given: Iterable[object], known: Iterable[str]) -> str:
    """What to say of names that are nearly known ones which are not given; empty if none are.

    Args:
        given: the keys of a record, others than the known ones too.
        known: what is looked for.
    """
    names = [str(name) for name in given]
    valid = list(known)
    missing = [name for name in valid if name not in names]
    pairs = [
        (name, *difflib.get_close_matches(name, missing, n=1, cutoff=_LIKENESS))
        for name in names
        if name not in valid
    ]
    return "".join(f" Did you mean {pair[1]!r} by {pair[0]!r}?" for pair in pairs if len(pair) > 1)
