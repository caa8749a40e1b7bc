"""``keras-bert-zoo quickstart``: the main job on real weights, real text, real runtimes."""

from __future__ import annotations

import pathlib
import time


def quickstart(
    output: str = "runs/quickstart",
    full: bool = False,
    train_examples: int = 6000,
    verify_examples: int = 1000,
    text: list[str] | None = None,
    seed: int = 1,
) -> int:
    """Fine-tune MiniLM on labelled tweets, evaluate, export, verify, and report on one page.

    Args:
        output: directory of the bundle, the artifacts and the report; an earlier quickstart
            in it is replaced.
        full: train on every tweet (about 25,000) instead of a sample.
        train_examples: size of the sample.
        verify_examples: test tweets that every artifact is run on.
        text: sentences to label at the end; asked for when a person is at the terminal.
        seed: of the shuffling, the dropout and the new head.
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
    return 0 if outcome.report.passed else 1


def main(argv: list[str] | None = None) -> int:
    """Parses the arguments of the command and runs it; 1 if an artifact failed."""
    import jsonargparse

    from keras_bert_zoo.training.recipe_files import spelled_out

    words = spelled_out(argv or [], {"full"})
    return int(jsonargparse.auto_cli(quickstart, args=words, prog="keras-bert-zoo quickstart") or 0)
