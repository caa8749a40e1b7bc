"""``keras-bert-zoo quickstart``: the main job on real weights, real text, real runtimes."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence


def quickstart(
    *,
    output: str = "runs/quickstart",
    full: bool = False,
    train_examples: int = 6000,
    verify_examples: int = 1000,
    text: Sequence[str] | None = None,
    seed: int = 1,
) -> bool:
    """Fine-tune MiniLM on labelled tweets, evaluate, export, verify, and report on one page.

    Returns:
        Whether all artifacts passed. The arguments are those of the command line.
    """
    # Here, not above: the help of the command loads no TensorFlow.
    from keras_bert_zoo.commands import quickstart_page, quickstart_run

    started = time.monotonic()
    directory = pathlib.Path(output)
    size = None if full else train_examples
    outcome = quickstart_run.run(directory, size, verify_examples, text or (), seed)
    minutes = (time.monotonic() - started) / 60
    page = quickstart_page.write(directory, outcome, minutes)
    quickstart_page.show(outcome)
    quickstart_run.say(f"Done in {minutes:.1f} minutes. Open {page}")
    return outcome.report.passed


def main(argv: Sequence[str] | None = None) -> int:
    """Parses the arguments of the command and runs it; 1 if an artifact failed."""
    import jsonargparse

    description = (quickstart.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo quickstart", description=description)
    add = parser.add_argument
    add("--output", default="runs/quickstart", help="directory; an earlier quickstart is replaced")
    add("--full", action="store_true", help="train on all tweets, about 25,000")
    add(
        "--train_examples",
        type=jsonargparse.typing.PositiveInt,
        default=6000,
        help="size of the training sample",
    )
    add(
        "--verify_examples",
        type=jsonargparse.typing.PositiveInt,
        default=1000,
        help="test tweets for each artifact",
    )
    add("--text", action="append", help="a sentence to label at the end; may be repeated")
    add("--seed", type=int, default=1, help="of the shuffling, the dropout and the new head")
    return 0 if quickstart(**vars(parser.parse_args(argv))) else 1
