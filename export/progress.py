"""Named steps on the terminal, each with the time it takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """A context in which named steps are started one after the other.

    Args:
        names: of all the steps, in their order.
        visible: whether anything is shown.
    """

    def __init__(self, names: Iterable[str], *, visible: bool = True) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, disable=not visible)
        self._tasks = {name: self._bar.add_task(name, start=False, total=1) for name in names}
        self._current: Any = None

    def __enter__(self) -> Steps:
        self._bar.start()
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self._finish()
        self._bar.stop()

    def start(self, name: str) -> None:
        """Ends the running step and starts another."""
        self._finish()
        self._current = self._tasks[name]
        self._bar.start_task(self._current)

    def _finish(self) -> None:
        if self._current is not None:
            self._bar.update(self._current, completed=1)
