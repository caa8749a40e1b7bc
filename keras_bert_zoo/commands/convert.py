"""``keras-bert-zoo convert``: a checkpoint of any format becomes one of another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.conversion import Conversion

# TensorFlow's own allocator, which is faster for small tensors, never gives memory back.
ENVIRONMENT = {"TF_ONEDNN_USE_SYSTEM_ALLOCATOR": "1"}


def convert(source: str, directory: str, to: str, dtype: str | None, **options: Any) -> None:
    """Convert a checkpoint between Hugging Face, Google's TensorFlow files, Keras and keras-hub.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.conversion import convert as convert_checkpoint

    with bar() as report:
        done = convert_checkpoint(
            source, directory, to.lower(), dtype=dtype and dtype.lower(), report=report, **options
        )
    shown(done)


def shown(done: Conversion) -> None:
    """Prints what was done."""
    import rich

    rich.print(f"{done.directory}: {len(done.tensors)} tensors")
    for name, reason in done.skipped.items():
        rich.print(f"left behind: {name} ({reason})")
    for each in done.differences:
        rich.print(str(each))
    for each in done.approximation:
        rich.print(f"[yellow]from exact GELU to its approximation: {each}[/yellow]")


@contextlib.contextmanager
def bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar, and what moves it: bytes that are done, and of how many."""
    from rich import progress

    columns = (
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.DownloadColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns) as bar:
        task = bar.add_task("")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    description = (convert.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo convert", description=description)
    add = parser.add_argument
    source = (
        "a checkpoint of Hugging Face or Google, a SavedModel of TF Hub, a preset of keras-hub, a "
        ".keras file, or a .weights.h5 file beside a checkpoint of its model"
    )
    add("source", help=source)
    add("directory", help="that receives the converted checkpoint")
    add("--to", required=True, help="hf, google, keras or keras-hub")
    add("--dtype", type=str | None, help="float32, float16 or bfloat16; by default as it is")
    case = "of the tokenizer, where no file says it: true or false"
    add("--do_lower_case", type=bool | None, help=case)
    gelu = "let keras-hub compute GELU by the tanh approximation where the model has it exact"
    add("--allow_tanh_gelu", action="store_true", help=gelu)
    add("--verify", type=bool, default=True, help="load both sides and compare their answers")
    add("--overwrite", action="store_true", help="replace a checkpoint that exists")
    options = vars(parser.parse_args(argv))
    os.environ.update(ENVIRONMENT)
    convert(**options)
