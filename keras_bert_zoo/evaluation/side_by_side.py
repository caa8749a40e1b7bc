"""Several calls at once, with answers in the order of the calls."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


def run_ahead(
    pool: Executor, count: int, function: Callable[[Any], _Answer], items: Iterable[Any]
) -> Iterator[_Answer]:
    """``map`` in a pool, which is no further ahead than it has to be: answers may be large.

    Args:
        pool: where the function is called.
        count: how many calls there are at once.
        function: of one item.
        items: taken as they are needed.
    """
    ahead: collections.deque[Future[_Answer]] = collections.deque()
    for item in items:
        ahead.append(pool.submit(function, item))
        if len(ahead) > count:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()
