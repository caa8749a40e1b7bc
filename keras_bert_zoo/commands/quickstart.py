"""``keras-bert-zoo quickstart``: the main job on real weights, real text, real runtimes."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_bert_zoo.bundle import Bundle
    from keras_bert_zoo.data.tweets import Tweet
    from keras_bert_zoo.export import Report

# Used when nobody is there to type some.
SENTENCES = (
    "Three hours on the tarmac and not a word from the crew. Never again.",
    "The new cabin is lovely and everyone was so kind, thank you!",
    "The flight to Denver leaves from gate 12 at 9:40.",
)


def quickstart(
    output: str = "runs/quickstart",
    full: bool = False,
    train_examples: int = 6000,
    text: list[str] | None = None,
    seed: int = 0,
) -> int:
    """Fine-tune MiniLM on labelled tweets, evaluate, export, verify, and report on one page.

    Args:
        output: directory of the data, the bundle, the artifacts and the report; what an
            earlier quickstart left there is replaced.
        full: train on every tweet (about 25,000) instead of a sample.
        train_examples: size of the sample.
        text: sentences to label at the end; asked for when a person is at the terminal.
        seed: of the shuffling, the dropout and the new head.
    """
    started = time.monotonic()
    directory = pathlib.Path(output)
    tweets = _tweets(directory, None if full else train_examples)
    run = _Run(directory, tweets, _finetune(directory, seed))
    run.export_and_verify()
    run.predict(text or _ask())
    page = run.write_page()
    minutes = (time.monotonic() - started) / 60
    _say(f"\nDone in {minutes:.1f} minutes. Report: {page}")
    return 0 if run.report.passed else 1
