"""``keras-bert-zoo evaluate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def evaluate(
    bundle: str,
    data: str,
    *,
    task: str | None = None,
    max_length: int | None = None,
    options: Mapping[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Score a bundle on labelled examples; prints the scores as JSON.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.commands.predict import opened
    from keras_bert_zoo.evaluation.classification import scores_json

    ask = opened(bundle, task=task, max_length=max_length, options=options, **columns)
    print(scores_json(ask.evaluate(data)), end="")


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.predict import MODEL, add_task_options

    description = (evaluate.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo evaluate", description=description)
    add = parser.add_argument
    add("bundle", help=MODEL)
    add("data", help="file of labelled examples, or tweets://test")
    add_column_options(parser)
    add_task_options(parser)
    evaluate(**vars(parser.parse_args(argv)))


def add_column_options(parser: Any) -> None:
    """Adds where labelled examples have what; by default where the task looks for it."""
    add = parser.add_argument
    add("--text_column", type=str | None, help="column of the text; by default the task's")
    add("--pair_column", type=str | None, help="column of the second text, for pairs")
    add("--label_column", type=str | None, help="column of the label; by default the task's")
    add("--delimiter", type=str | None, help="of columns; by default by the file's suffix")
    add("--encoding", default="utf-8-sig", help="of the file")
    add("--empty_texts", default="keep", help="error, drop or keep rows without text")
