"""How far a corpus is read, with MB/s and the time that is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_bert_zoo.corpus.sources import Source


@contextlib.contextmanager
def reading(sources: Sequence[Source], *, times: int = 1) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar on the terminal.

    Args:
        sources: what is read; of standard input no end is known.
        times: how often they are read.

    Yields:
        A function to tell of bytes of text and bytes of the disk that were done.
    """
    from rich import progress

    columns = (
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("{task.fields[text]:,.1f} MB"),
        progress.TextColumn("{task.fields[rate]:.1f} MB/s"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    size = sum(source.size for source in sources)
    known = all(source.size for source in sources)
    start, text = time.monotonic(), 0
    with progress.Progress(*columns) as bar:
        task = bar.add_task("", total=times * size if known else None, text=0.0, rate=0.0)

        def report(of_text: int, of_disk: int) -> None:
            nonlocal text
            text += of_text
            rate = text / 1e6 / (time.monotonic() - start)
            bar.update(task, advance=of_disk, text=text / 1e6, rate=rate)

        yield report
