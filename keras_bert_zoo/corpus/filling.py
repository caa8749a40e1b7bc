"""Which units make up a shard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Unit = TypeVar("_Unit")


def filled(
    units: Iterable[_Unit], tokens: Callable[[_Unit], int], limit: int
) -> Iterator[list[_Unit]]:
    """As many units at a time as have so many tokens; a unit is never divided.

    Args:
        units: in order.
        tokens: of a unit.
        limit: at which a shard is full.
    """
    waiting: list[_Unit] = []
    together = 0
    for unit in units:
        waiting.append(unit)
        together += tokens(unit)
        if together >= limit:
            yield waiting
            waiting, together = [], 0
    if waiting:
        yield waiting
