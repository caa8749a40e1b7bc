"""From a bundle and the user's texts to the smallest file that is good enough."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from keras_bert_zoo import zoo
from keras_bert_zoo.atomic import check_switch
from keras_bert_zoo.checkpoints import sources
from keras_bert_zoo.data.examples import Examples

from .. import process
from ..artifact import Artifact
from ..conversion import check_free, export
from ..errors import ExportError
from ..formats import WHOLE_TEXTS
from ..row_lengths import checked_lengths, longest_of
from .trials import GOALS, Search, check_arguments

FORMAT = "tflite-mixed"


def quantize(
    source: str | pathlib.Path,
    output: str | pathlib.Path,
    examples: Examples,
    *,
    max_drop: float = 0.5,
    goal: str = GOALS[0],
    lengths: int | Iterable[int] | None = None,
    threads: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> tuple[Artifact, Search]:
    """Searches for a TFLite file and exports it, with ``search.json`` beside it.

    Args:
        source: what ``bundle.load`` takes.
        output: where to: ``output/tflite-mixed``.
        examples: labelled texts for a classifier; an encoder takes any, and is judged by the
            cosine of its embeddings to Keras'.
        max_drop: what may be lost, in hundredths of the metric.
        goal: ``"size"`` or ``"speed"``.
        lengths: tokens in a row, see ``export``.
        threads: of the runtime; by default one per processor.
        overwrite: whether an artifact that exists may be replaced.
        progress: whether to show it on the terminal.

    Returns:
        The artifact, and all that was tried.

    Raises:
        ExportError: an argument is out of range, there are no texts, or nothing tried stays
            within the budget.
        FileExistsError, OSError: as for ``export``.
    """
    check_switch("overwrite", overwrite)
    check_arguments(examples, max_drop, goal)
    check_free(pathlib.Path(output), [FORMAT], overwrite)  # not when all has been tried
    tokens = [lengths] if isinstance(lengths, int) else lengths and sorted(set(lengths))
    directory = sources.resolve(zoo.resolve(source))
    checked_lengths(tokens, longest_of(directory))
    arguments = {"max_drop": max_drop, "goal": goal, "lengths": tokens}
    with _Spinner(progress) as show:
        found = process.call(
            _search, str(directory), examples, arguments, threads or os.cpu_count(), on_event=show
        )
    [artifact] = export(
        directory, output, [FORMAT], lengths=tokens, storage=found.best.storage,
        overwrite=overwrite, progress=progress,
    )  # fmt: skip
    text = json.dumps(found.to_dict(), indent=2) + "\n"
    (artifact.path / "search.json").write_text(text, encoding="utf-8")
    return artifact, found


def _search(source: str, examples: Examples, arguments: dict[str, Any], threads: int) -> Search:
    """The child's part."""
    import keras_bert_zoo

    from .search import search

    bundle = keras_bert_zoo.load(source)
    if bundle.model.task not in WHOLE_TEXTS:
        raise ExportError(
            f"quantize is for classifiers and encoders; the bundle is a model for "
            f"{bundle.model.task!r}. Export 'tflite-int8', and see with verify what it loses."
        )
    return search(bundle, examples, threads=threads, **arguments)


class _Spinner:
    """Shows the last thing that was begun, and how long all has taken."""

    def __init__(self, visible: bool) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, disable=not visible)

    def __enter__(self) -> Callable[[str], None]:
        self._bar.start()
        task = self._bar.add_task("convert")
        return lambda name: self._bar.update(task, description=name)

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()
