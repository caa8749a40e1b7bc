"""What must be the same when work that was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Names what differs, or nothing.

    Args:
        before: as JSON gave it back.
        now: of values that JSON can hold.
    """
    now = json.loads(json.dumps(now))
    return "; ".join(
        f"{key}: was {before.get(key)!r}, is {now.get(key)!r}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    )
