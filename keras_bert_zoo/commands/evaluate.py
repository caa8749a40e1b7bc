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
    limit: int | None = None,
    **columns: Any,
) -> None:
    """Score a bundle on labelled examples; prints the scores as JSON.

    The arguments are those of the command line.
    """
    from keras_bert_zoo.commands.predict import opened
    from keras_bert_zoo.evaluation.classification import scores_json

    ask = opened(bundle, data, task=task, max_length=max_length, options=options, **columns)
    print(scores_json(ask.evaluate(data, limit)), end="")


def main(argv: Sequence[str] | None = None) -> None:
    """Parses the arguments of the command and runs it."""
    import jsonargparse

    from keras_bert_zoo.commands.predict import MODEL, add_task_options
    from keras_bert_zoo.commands.table_options import add_table_options

    description = (evaluate.__doc__ or "").splitlines()[0]
    parser = jsonargparse.ArgumentParser(prog="keras-bert-zoo evaluate", description=description)
    add = parser.add_argument
    add("bundle", help=MODEL)
    add("data", help="file of labelled examples, or tweets://test")
    add_table_options(parser, empty_texts="keep", by_task=True)
    add_task_options(parser)
    add("--limit", type=int | None, help="so many examples, the first ones; by default all")
    evaluate(**vars(parser.parse_args(argv)))
